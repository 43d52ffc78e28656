/* The table of last notifications: what is recorded, and what must not look like a record. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/ledger/wakes.h"
#include "preload/shim/guard.h"
#include "suite.h"

#define NOTIFIERS 4
#define OBJECTS 64
#define ROUNDS 20000

static char objects[WAKE_BUCKETS * WAKE_WAYS * 16][8];

static void set_up(void)
{
    wakes = NULL;
    shim_config.options.wakes = true;
    wakes_start();
    ck_assert_ptr_nonnull(wakes);
    shim_tls.begun = true; /* the main thread */
}

/* NULL: none. */
static struct wake *record_of(const void *object)
{
    struct wake *bucket = &wakes[wake_bucket((uint64_t)object)];
    for (size_t i = 0; i < WAKE_WAYS; i++)
        if (bucket[i].object == ~(uint64_t)object)
            return &bucket[i];
    return NULL;
}

START_TEST(who_and_when_and_where)
{
    uint64_t before = shim_clock_ns(CLOCK_MONOTONIC);
    wake_notified(objects[0]);
    uint64_t after = shim_clock_ns(CLOCK_MONOTONIC);
    const struct wake *wake = record_of(objects[0]);
    ck_assert_ptr_nonnull(wake);
    ck_assert(wake->ns >= before && wake->ns <= after && wake->ns == wake->latest_ns);
    ck_assert_uint_eq(wake->serial, LEDGER_MAIN_SERIAL);
    ck_assert_uint_eq(wake->notifiers, 1u << LEDGER_MAIN_SERIAL);
    ck_assert_uint_eq(wake->words, WAKE_STACK_WORDS);
    uint64_t sp = wake->registers[WAKE_REGISTER_COUNT - 2];
    ck_assert_uint_lt((uint64_t)__builtin_frame_address(0) - sp, 4096);
}
END_TEST

START_TEST(a_thread_with_a_record)
{
    static struct ledger_slot slot;
    shim_tls.slot = &slot;
    shim_tls.serial = 70;
    wake_notified(objects[0]);
    ck_assert_uint_eq(record_of(objects[0])->serial, 70);
    ck_assert_uint_eq(record_of(objects[0])->notifiers, 1u << 6);
    shim_tls.slot = NULL;
    wake_notified(objects[0]);
    ck_assert_uint_eq(record_of(objects[0])->notifiers, 1u << 6 | 1u << 1);
}
END_TEST

START_TEST(an_object_that_begins_anew)
{
    wake_notified(objects[0]);
    wake_forget(objects[0]);
    wake_forget(objects[1]);
    const struct wake *wake = record_of(objects[0]);
    ck_assert(wake->latest_ns == 0 && wake->ns == 0 && wake->notifiers == 0);
    ck_assert_ptr_null(record_of(objects[1]));
}
END_TEST

/* Of an object that had no room for a while, it is not known who else has notified it. */
START_TEST(more_objects_than_records)
{
    size_t count = sizeof(objects) / sizeof(*objects), all = 0;
    for (size_t i = 0; i < count; i++)
        wake_notified(objects[i]);
    ck_assert_ptr_nonnull(record_of(objects[count - 1]));
    for (size_t i = 0; i < WAKE_BUCKETS * WAKE_WAYS; i++)
        all += wakes[i].notifiers == UINT64_MAX;
    ck_assert_uint_gt(all, WAKE_BUCKETS);
}
END_TEST

/* As in a signal handler that interrupts the hook, after it has locked the record. */
START_TEST(one_within_another)
{
    wake_notified(objects[0]);
    struct wake *wake = record_of(objects[0]);
    atomic_fetch_add(&wake->seq, 1);
    wake_notified(objects[0]);
    wake_forget(objects[0]);
    ck_assert_uint_lt(wake->ns, wake->latest_ns);
}
END_TEST

START_TEST(a_forked_child)
{
    wake_notified(objects[0]);
    pid_t child = fork();
    if (child == 0)
        _exit(record_of(objects[0]) != NULL);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(off)
{
    wakes = NULL;
    shim_config.options.wakes = false;
    wakes_start();
    ck_assert_ptr_null(wakes);
}
END_TEST

static void *notify_all(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        wake_notified(objects[i % OBJECTS]);
        if (i % 100 == 0)
            wake_forget(objects[(i + 7) % OBJECTS]);
        wake_waits(objects[i % OBJECTS]);
    }
    return arg;
}

START_TEST(many_at_once)
{
    pthread_t threads[NOTIFIERS];
    for (int i = 0; i < NOTIFIERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, notify_all, NULL), 0);
    for (int i = 0; i < NOTIFIERS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < OBJECTS; i++) {
        wake_notified(objects[i]);
        const struct wake *wake = record_of(objects[i]);
        ck_assert(wake && wake->seq % 2 == 0 && wake->ns == wake->latest_ns && wake->words);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("wakes");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, who_and_when_and_where);
    tcase_add_test(tests, a_thread_with_a_record);
    tcase_add_test(tests, an_object_that_begins_anew);
    tcase_add_test(tests, more_objects_than_records);
    tcase_add_test(tests, one_within_another);
    tcase_add_test(tests, a_forked_child);
    tcase_add_test(tests, off);
    tcase_add_test(tests, many_at_once);
    return suite_run("ledger_write_wakes", tests);
}
