/* Threads that wait for condition variables, and one that does not wait: children in each kind of wait. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <threads.h>
#include <unistd.h>

#include "snapshot_child.h"
#include "suite.h"
#include "wait_child.h"

/* ---- condition variables ----------------------------------------------------------------- */

static pthread_cond_t jobs_ready = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t jobs_lock = PTHREAD_MUTEX_INITIALIZER;

static _Noreturn void *wait_for_jobs(void *arg)
{
    (void)arg;
    named("waiter");
    pthread_mutex_lock(&jobs_lock);
    for (;;) {
        child_ready();
        pthread_cond_wait(&jobs_ready, &jobs_lock);
    }
}

static void run_cond(void)
{
    start_thread(wait_for_jobs, NULL);
    pause();
}

static void expect_jobs(void)
{
    expect("jobs_ready", NULL, WAIT_TIMEOUT_NO, "condvar wait on jobs_ready, no timeout (mutex jobs_lock)");
    ck_assert_uint_eq(seen->address, (uintptr_t)&jobs_ready);
    ck_assert_uint_eq(seen->mutex, (uintptr_t)&jobs_lock);
    ck_assert_str_eq(seen->mutex_symbol, "jobs_lock");
}

START_TEST(condvar)
{
    child = child_start(run_cond);
    sample("waiter", WAIT_CONDVAR);
    expect_jobs();
}
END_TEST

/* Waiters are in two groups in turn, with a futex each. */
static void run_both_groups(void)
{
    start_thread(wait_for_jobs, NULL);
    for (int i = 1;; i++) {
        wait_ready(i);
        pthread_mutex_lock(&jobs_lock);
        int wanted = atomic_load(&shared->release);
        if (i <= wanted)
            pthread_cond_signal(&jobs_ready);
        pthread_mutex_unlock(&jobs_lock);
        while (i > wanted && atomic_load(&shared->release) == wanted)
            usleep(1000);
        if (i > wanted) {
            pthread_mutex_lock(&jobs_lock);
            pthread_cond_signal(&jobs_ready);
            pthread_mutex_unlock(&jobs_lock);
        }
    }
}

START_TEST(condvar_signalled_before)
{
    uint64_t futexes[2];
    child = child_start(run_both_groups);
    for (int i = 0; i < 2; i++) {
        wait_ready(i + 1);
        sample("waiter", WAIT_CONDVAR);
        expect_jobs();
        futexes[i] = seen_futex();
        atomic_fetch_add(&shared->release, 1);
    }
    ck_assert_uint_ne(futexes[0], futexes[1]);
}
END_TEST

static void *wait_for_jobs_timed(void *arg)
{
    struct timespec until;
    (void)arg;
    named("waiter");
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 500;
    pthread_mutex_lock(&jobs_lock);
    pthread_cond_clockwait(&jobs_ready, &jobs_lock, CLOCK_MONOTONIC, &until);
    return NULL;
}

static void run_cond_timed(void)
{
    start_thread(wait_for_jobs_timed, NULL);
    pause();
}

START_TEST(condvar_with_a_timeout)
{
    child = child_start(run_cond_timed);
    sample("waiter", WAIT_CONDVAR);
    expect("jobs_ready", NULL, WAIT_TIMEOUT_YES, NULL);
    expect_left(450, 500, "condvar wait on jobs_ready");
    ck_assert_str_eq(seen->mutex_symbol, "jobs_lock");
}
END_TEST

/* C11's, timed and in a loop: the frames have copies of the addresses beside each other. */
static struct {
    mtx_t lock;
    cnd_t ready;
} queue;

static void *wait_for_queue(void *arg)
{
    (void)arg;
    named("waiter");
    mtx_lock(&queue.lock);
    for (int i = 0;; i++) {
        struct timespec until;
        timespec_get(&until, TIME_UTC);
        until.tv_nsec += 1000000;
        until.tv_sec += until.tv_nsec / 1000000000 + (i < 10 ? 0 : 100);
        until.tv_nsec %= 1000000000;
        cnd_timedwait(&queue.ready, &queue.lock, &until);
    }
    return NULL;
}

static void run_queue(void)
{
    start_thread(wait_for_queue, NULL);
    pause();
}

START_TEST(mutex_of_a_timed_wait)
{
    child = child_start(run_queue);
    sample("waiter", WAIT_CONDVAR);
    ck_assert_uint_eq(seen->address, (uintptr_t)&queue.ready);
    ck_assert_uint_eq(seen->mutex, (uintptr_t)&queue.lock);
}
END_TEST

static void run_relock(void)
{
    start_thread(wait_for_jobs, NULL);
    wait_ready(1);
    named("holder");
    pthread_mutex_lock(&jobs_lock);
    pthread_cond_broadcast(&jobs_ready);
    pause();
}

START_TEST(condvar_that_was_signalled)
{
    child = child_start(run_relock);
    sample("waiter", WAIT_MUTEX);
    expect("jobs_lock", "holder", WAIT_TIMEOUT_NO,
           "mutex jobs_lock, held by T \"holder\", on return from a condvar wait");
}
END_TEST

static cnd_t c11_ready;
static mtx_t c11_lock;

static int wait_c11(void *arg)
{
    (void)arg;
    named("waiter");
    mtx_lock(&c11_lock);
    cnd_wait(&c11_ready, &c11_lock);
    return 0;
}

static void run_cnd(void)
{
    thrd_t thread;
    mtx_init(&c11_lock, mtx_plain);
    cnd_init(&c11_ready);
    thrd_create(&thread, wait_c11, NULL);
    pause();
}

START_TEST(condvar_of_c11)
{
    child = child_start(run_cnd);
    sample("waiter", WAIT_CONDVAR);
    expect("c11_ready", NULL, WAIT_TIMEOUT_NO, "condvar wait on c11_ready, no timeout (mutex c11_lock)");
}
END_TEST

/* ---- no wait --------------------------------------------------------------------------------- */

static _Noreturn void *run_hot(void *arg)
{
    (void)arg;
    named("hot");
    for (;;)
        atomic_fetch_add(&shared->counter, 1);
}

static void run_running(void)
{
    start_thread(run_hot, NULL);
    pause();
}

START_TEST(running)
{
    child = child_start(run_running);
    while (!atomic_load(&shared->counter))
        usleep(100);
    sample("hot", WAIT_NONE);
    ck_assert(seen->running);
    ck_assert_str_eq(seen->text, "running");
    ck_assert_int_eq(seen->timeout, WAIT_TIMEOUT_UNKNOWN);
}
END_TEST

static TCase *make_tests(void)
{
    TCase *tcase = tcase_create("objects");
    tcase_add_checked_fixture(tcase, NULL, wait_child_end);
    tcase_add_test(tcase, condvar);
    tcase_add_test(tcase, condvar_signalled_before);
    tcase_add_test(tcase, condvar_with_a_timeout);
    tcase_add_test(tcase, mutex_of_a_timed_wait);
    tcase_add_test(tcase, condvar_that_was_signalled);
    tcase_add_test(tcase, condvar_of_c11);
    tcase_add_test(tcase, running);
    return tcase;
}

int main(void)
{
    return wait_suite_run("wait", make_tests);
}
