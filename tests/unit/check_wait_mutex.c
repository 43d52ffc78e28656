/* Mutexes that threads wait for: of each kind, and who holds them. */
#include <pthread.h>
#include <stdio.h>
#include <threads.h>
#include <unistd.h>

#include "mutex_child.h"
#include "snapshot_child.h"
#include "suite.h"
#include "wait_child.h"

pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static mtx_t c11_lock;

static void run_mutex(void)
{
    contend(&queue_lock);
}

START_TEST(mutex)
{
    child = child_start(run_mutex);
    sample("waiter", WAIT_MUTEX);
    expect("queue_lock", "holder", WAIT_TIMEOUT_NO, "mutex queue_lock, held by T \"holder\"");
    ck_assert_uint_eq(seen->address, (uintptr_t)&queue_lock);
    ck_assert_str_eq(seen->kind, "");
    ck_assert(!seen->running);
}
END_TEST

static void *lock_twice(void *arg)
{
    (void)arg;
    named("waiter");
    pthread_mutex_lock(&queue_lock);
    pthread_mutex_lock(&queue_lock);
    return NULL;
}

static void run_twice(void)
{
    start_thread(lock_twice, NULL);
    pause();
}

START_TEST(mutex_of_the_thread_itself)
{
    child = child_start(run_twice);
    sample("waiter", WAIT_MUTEX);
    expect("queue_lock", "waiter", WAIT_TIMEOUT_NO, "mutex queue_lock, held by this thread itself");
}
END_TEST

static void *lock_and_leave(void *arg)
{
    atomic_store(&shared->extra, gettid());
    pthread_mutex_lock(arg);
    return NULL;
}

static void run_left(void)
{
    pthread_join(start_thread(lock_and_leave, &queue_lock), NULL);
    start_thread(take_mutex, &queue_lock);
    pause();
}

START_TEST(mutex_of_a_thread_that_has_ended)
{
    char text[128];
    child = child_start(run_left);
    sample("waiter", WAIT_MUTEX);
    int tid = atomic_load(&shared->extra);
    snprintf(text, sizeof(text), "mutex queue_lock, held by tid %d, which has ended", tid);
    ck_assert_int_eq(seen->owner, tid);
    ck_assert_str_eq(seen->text, text);
}
END_TEST

static pthread_mutex_t odd_lock;

static void contend_odd(int type, int robust, int protocol)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, type);
    pthread_mutexattr_setrobust(&attr, robust);
    pthread_mutexattr_setprotocol(&attr, protocol);
    if (pthread_mutex_init(&odd_lock, &attr) != 0)
        _exit(1);
    contend(&odd_lock);
}

static void run_recursive(void)
{
    contend_odd(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
}
static void run_errorcheck(void)
{
    contend_odd(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
}
static void run_adaptive(void)
{
    contend_odd(PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
}
static void run_robust(void)
{
    contend_odd(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
}
static void run_inherit(void)
{
    contend_odd(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
}
static void run_all_kinds(void)
{
    contend_odd(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT);
}

static const struct {
    void (*run)(void);
    const char *kind;
} kinds[] = {
    {run_recursive, "recursive"},         {run_errorcheck, "error-checking"},
    {run_adaptive, "adaptive"},           {run_robust, "robust"},
    {run_inherit, "priority-inheriting"}, {run_all_kinds, "robust priority-inheriting recursive"},
};

START_TEST(kinds_of_mutexes)
{
    char text[128];
    child = child_start(kinds[_i].run);
    sample("waiter", WAIT_MUTEX);
    snprintf(text, sizeof(text), "%s mutex odd_lock, held by T \"holder\"", kinds[_i].kind);
    expect("odd_lock", "holder", WAIT_TIMEOUT_NO, text);
    ck_assert_str_eq(seen->kind, kinds[_i].kind);
}
END_TEST

static void *take_timed(void *lock)
{
    struct timespec until;
    named("waiter");
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1000;
    pthread_mutex_timedlock(lock, &until);
    return NULL;
}

static void run_timed(void)
{
    start_thread(hold_mutex, &queue_lock);
    wait_ready(1);
    start_thread(take_timed, &queue_lock);
    pause();
}

START_TEST(mutex_with_a_timeout)
{
    child = child_start(run_timed);
    sample("waiter", WAIT_MUTEX);
    expect_left(950, 1000, "mutex queue_lock, held by T \"holder\"");
    expect("queue_lock", "holder", WAIT_TIMEOUT_YES, NULL);
}
END_TEST

static _Noreturn int hold_c11(void *arg)
{
    (void)arg;
    named("holder");
    mtx_lock(&c11_lock);
    child_ready();
    for (;;)
        pause();
}

static int take_c11(void *arg)
{
    (void)arg;
    named("waiter");
    return mtx_lock(&c11_lock);
}

static void run_c11(void)
{
    thrd_t thread;
    mtx_init(&c11_lock, mtx_plain);
    thrd_create(&thread, hold_c11, NULL);
    wait_ready(1);
    thrd_create(&thread, take_c11, NULL);
    named("joiner");
    thrd_join(thread, NULL);
}

START_TEST(mutex_of_c11)
{
    child = child_start(run_c11);
    sample("waiter", WAIT_MUTEX);
    expect("c11_lock", "holder", WAIT_TIMEOUT_NO, "mutex c11_lock, held by T \"holder\"");
    sample("joiner", WAIT_JOIN);
    expect(NULL, "waiter", WAIT_TIMEOUT_NO, "join of T \"waiter\"");
}
END_TEST

START_TEST(mutex_of_an_unknown_glibc)
{
    char text[64];
    glibc = "2.99";
    child = child_start(run_mutex);
    sample("waiter", WAIT_FUTEX);
    snprintf(text, sizeof(text), "futex 0x%lx, no timeout", (unsigned long)(uintptr_t)&queue_lock);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, text);
    ck_assert_uint_eq(seen->address, (uintptr_t)&queue_lock);
}
END_TEST

static TCase *make_tests(void)
{
    TCase *tcase = tcase_create("mutex");
    tcase_add_checked_fixture(tcase, NULL, wait_child_end);
    tcase_add_test(tcase, mutex);
    tcase_add_test(tcase, mutex_of_the_thread_itself);
    tcase_add_test(tcase, mutex_of_a_thread_that_has_ended);
    tcase_add_loop_test(tcase, kinds_of_mutexes, 0, sizeof(kinds) / sizeof(kinds[0]));
    tcase_add_test(tcase, mutex_with_a_timeout);
    tcase_add_test(tcase, mutex_of_c11);
    tcase_add_test(tcase, mutex_of_an_unknown_glibc);
    return tcase;
}

int main(void)
{
    return wait_suite_run("wait_mutex", make_tests);
}
