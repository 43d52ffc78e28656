/* Samples of live processes without a ledger: their threads by start routine. */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "evidence/sample.h"
#include "leak/model.h"
#include "leak/site_counts.h"
#include "snapshot_child.h"
#include "suite.h"

static pid_t child;
static struct sampler *sampler;
static struct symbolizer *symbolizer;
static struct site_table *table;
static struct site_counts counts;

static void begin(void (*run)(void), int ready)
{
    struct error error;
    child = child_start(run);
    wait_ready(ready);
    sampler = sampler_open(child, &error);
    ck_assert_ptr_nonnull(sampler);
    symbolizer = symbolizer_new(false);
    symbolizer_see_as(symbolizer, child);
    table = site_table_new(symbolizer);
}

static void end(void)
{
    site_counts_release(&counts);
    site_table_free(table);
    symbolizer_free(symbolizer);
    sampler_close(sampler);
    child_end(child);
}

static void take(void)
{
    struct sample sample;
    struct error error = {""};
    site_counts_release(&counts);
    ck_assert_msg(sampler_read(sampler, &sample, &error) == SAMPLE_OK, "%s", error.text);
    ck_assert_ptr_null(sample.ledger);
    ck_assert(site_counts_of_sample(&counts, table, &sample));
    sample_release(&sample);
}

static uint64_t started_in(const char *function)
{
    for (size_t i = 0; i < counts.count; i++) {
        const struct frame *start = counts.items[i].place->start_routine;
        if (!strcmp(function, start && start->function ? start->function : ""))
            return counts.items[i].threads.untracked;
    }
    return 0;
}

/* A sanitizer's pthread_create passes a start routine of its own to libc. */
static void create(void *(*routine)(void *))
{
    typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    create_fn *real = (create_fn *)dlsym(dlopen("libc.so.6", RTLD_NOW), "pthread_create");
    pthread_t thread;
    if (!real || real(&thread, NULL, routine, NULL) != 0)
        _exit(9);
}

static void *another_routine(void *arg)
{
    return wait_in_thread(arg);
}

static void run_three(void)
{
    create(wait_in_thread);
    create(another_routine);
    create(wait_in_thread);
    wait_forever();
}

START_TEST(threads_are_counted_by_their_start_routine)
{
    begin(run_three, 4);
    take();
    ck_assert(!counts.watched);
    ck_assert_uint_eq(counts.total.untracked, 3);
    ck_assert_uint_eq(started_in("wait_in_thread"), 2);
    ck_assert_uint_eq(started_in("another_routine"), 1);
    ck_assert_uint_eq(counts.total.created, 0);
    ck_assert(counts.oldest_s >= 0 && counts.oldest_s < PATIENCE_S);
    end();
}
END_TEST

static void *create_when_released(void *arg)
{
    child_ready();
    while (!atomic_load(&shared->release))
        usleep(1000);
    create(another_routine);
    return wait_in_thread(arg);
}

static void run_growing(void)
{
    create(create_when_released);
    wait_forever();
}

START_TEST(a_new_thread_is_found_in_a_later_sample)
{
    begin(run_growing, 2);
    take();
    ck_assert_uint_eq(started_in("another_routine"), 0);
    size_t before = counts.count;
    atomic_store(&shared->release, 1);
    wait_ready(4);
    take();
    ck_assert_uint_eq(counts.total.untracked, 2);
    ck_assert_uint_eq(started_in("another_routine"), 1);
    ck_assert_uint_eq(started_in("create_when_released"), 1);
    ck_assert_uint_eq(counts.count, before + 1);
    end();
}
END_TEST

START_TEST(a_process_that_has_ended_is_gone)
{
    struct sample sample;
    struct error error = {""};
    begin(run_two, 2);
    take();
    kill(child, SIGKILL);
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(sampler_read(sampler, &sample, &error), SAMPLE_GONE);
    ck_assert_msg(strstr(error.text, "has ended"), "%s", error.text);
    end();
}
END_TEST

START_TEST(there_is_no_such_process)
{
    struct error error = {""};
    ck_assert_ptr_null(sampler_open(0x7ffffff0, &error));
    ck_assert_str_eq(error.text, "no process 2147483632");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("sample");
    tcase_add_test(tests, threads_are_counted_by_their_start_routine);
    tcase_add_test(tests, a_new_thread_is_found_in_a_later_sample);
    tcase_add_test(tests, a_process_that_has_ended_is_gone);
    tcase_add_test(tests, there_is_no_such_process);
    tcase_set_timeout(tests, 0);
    return suite_run("sample", tests);
}
