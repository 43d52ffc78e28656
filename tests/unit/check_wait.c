/* What threads wait for: children in each kind of wait, each told whole. */
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
    look("waiter", WAIT_CONDVAR);
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
        look("waiter", WAIT_CONDVAR);
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
    look("waiter", WAIT_CONDVAR);
    expect("jobs_ready", NULL, WAIT_TIMEOUT_YES, NULL);
    expect_left(450, 500, "condvar wait on jobs_ready");
    ck_assert_str_eq(seen->mutex_symbol, "jobs_lock");
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
    look("waiter", WAIT_MUTEX);
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
    look("waiter", WAIT_CONDVAR);
    expect("c11_ready", NULL, WAIT_TIMEOUT_NO, "condvar wait on c11_ready, no timeout (mutex c11_lock)");
}
END_TEST

/* ---- the other objects --------------------------------------------------------------------- */

static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;

static _Noreturn void *read_table(void *arg)
{
    named(arg);
    pthread_rwlock_rdlock(&table);
    child_ready();
    for (;;)
        pause();
}

static _Noreturn void *write_table(void *arg)
{
    named(arg);
    pthread_rwlock_wrlock(&table);
    child_ready();
    for (;;)
        pause();
}

static void run_written(void)
{
    start_thread(write_table, "holder");
    wait_ready(1);
    start_thread(read_table, "reader");
    start_thread(write_table, "writer");
    pause();
}

START_TEST(rwlock_held_by_a_writer)
{
    child = child_start(run_written);
    look("reader", WAIT_RWLOCK);
    expect("table", "holder", WAIT_TIMEOUT_NO, "read lock of rwlock table, write-locked by T \"holder\"");
    look("writer", WAIT_RWLOCK);
    expect("table", "holder", WAIT_TIMEOUT_NO, "write lock of rwlock table, write-locked by T \"holder\"");
    ck_assert_uint_eq(seen->address, (uintptr_t)&table);
}
END_TEST

static void run_read(void)
{
    start_thread(read_table, "a");
    start_thread(read_table, "b");
    wait_ready(2);
    start_thread(write_table, "writer");
    pause();
}

START_TEST(rwlock_held_by_readers)
{
    child = child_start(run_read);
    look("writer", WAIT_RWLOCK);
    expect("table", NULL, WAIT_TIMEOUT_NO, "write lock of rwlock table, held by 2 readers");
    ck_assert_uint_eq(seen->address, (uintptr_t)&table);
}
END_TEST

static sem_t slots;

static void *take_slot(void *arg)
{
    (void)arg;
    named("waiter");
    sem_wait(&slots);
    return NULL;
}

static void run_sem(void)
{
    sem_init(&slots, 0, 0);
    start_thread(take_slot, NULL);
    pause();
}

START_TEST(semaphore)
{
    child = child_start(run_sem);
    look("waiter", WAIT_SEMAPHORE);
    expect("slots", NULL, WAIT_TIMEOUT_NO, "semaphore slots, no timeout");
}
END_TEST

static pthread_barrier_t start_line;

static void *come(void *name)
{
    named(name);
    pthread_barrier_wait(&start_line);
    pthread_barrier_wait(&start_line);
    return NULL;
}

static void run_barrier(void)
{
    pthread_barrier_init(&start_line, NULL, 3);
    start_thread(come, "waiter");
    start_thread(come, "b");
    pthread_barrier_wait(&start_line);
    pause();
}

START_TEST(barrier)
{
    child = child_start(run_barrier);
    look_until("waiter", WAIT_BARRIER, "barrier start_line, 2 of 3 threads arrived");
    expect("start_line", NULL, WAIT_TIMEOUT_NO, "barrier start_line, 2 of 3 threads arrived");
    ck_assert_uint_eq(seen->address, (uintptr_t)&start_line);
}
END_TEST

static _Noreturn void *sleep_forever(void *name)
{
    named(name);
    child_ready();
    for (;;)
        pause();
}

static void *join_timed(void *thread)
{
    struct timespec until;
    named("joiner");
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 100;
    pthread_timedjoin_np(*(pthread_t *)thread, NULL, &until);
    return NULL;
}

static void run_join(void)
{
    static pthread_t thread;
    thread = start_thread(sleep_forever, "worker");
    wait_ready(1);
    start_thread(join_timed, &thread);
    named("main");
    pthread_join(thread, NULL);
}

START_TEST(join)
{
    child = child_start(run_join);
    look("main", WAIT_JOIN);
    expect(NULL, "worker", WAIT_TIMEOUT_NO, "join of T \"worker\"");
    look("joiner", WAIT_JOIN);
    expect(NULL, "worker", WAIT_TIMEOUT_YES, NULL);
    expect_left(50, 100, "join of T \"worker\"");
}
END_TEST

static pthread_once_t config_once = PTHREAD_ONCE_INIT;

static void never_ends(void)
{
    child_ready();
    for (;;)
        pause();
}

static void *configure(void *name)
{
    named(name);
    pthread_once(&config_once, never_ends);
    return NULL;
}

static void run_once(void)
{
    start_thread(configure, "first");
    wait_ready(1);
    start_thread(configure, "waiter");
    pause();
}

START_TEST(once)
{
    child = child_start(run_once);
    look("waiter", WAIT_OTHER);
    expect("config_once", NULL, WAIT_TIMEOUT_NO, "once-initialisation of config_once");
}
END_TEST

static pthread_key_t key;

static void destroy(void *arg)
{
    char c;
    named("waiter");
    if (read(*(int *)arg, &c, 1) < 0)
        _exit(1);
}

static void *leave_value(void *arg)
{
    pthread_setspecific(key, arg);
    return NULL;
}

static void run_destructor(void)
{
    static int ends[2];
    if (pipe(ends) != 0 || pthread_key_create(&key, destroy) != 0)
        _exit(1);
    atomic_store(&shared->extra, ends[0]);
    start_thread(leave_value, &ends[0]);
    pause();
}

START_TEST(destructor)
{
    char text[160];
    child = child_start(run_destructor);
    look("waiter", WAIT_PIPE);
    int fd = atomic_load(&shared->extra);
    snprintf(text, sizeof(text),
             "read of pipe %d, whose writing end only this process holds (descriptor %d), in a "
             "thread-specific destructor",
             fd, fd + 1);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, text);
    ck_assert(seen->in_destructor);
}
END_TEST

static _Atomic uint32_t word = 7;

static void *wait_raw(void *arg)
{
    (void)arg;
    named("waiter");
    raw_futex_wait(&word, 7);
    return NULL;
}

static void run_futex(void)
{
    start_thread(wait_raw, NULL);
    pause();
}

START_TEST(futex)
{
    child = child_start(run_futex);
    look("waiter", WAIT_FUTEX);
    expect("word", NULL, WAIT_TIMEOUT_NO, "futex word, no timeout");
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
    look("hot", WAIT_NONE);
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
    tcase_add_test(tcase, condvar_that_was_signalled);
    tcase_add_test(tcase, condvar_of_c11);
    tcase_add_test(tcase, rwlock_held_by_a_writer);
    tcase_add_test(tcase, rwlock_held_by_readers);
    tcase_add_test(tcase, semaphore);
    tcase_add_test(tcase, barrier);
    tcase_add_test(tcase, join);
    tcase_add_test(tcase, once);
    tcase_add_test(tcase, destructor);
    tcase_add_test(tcase, futex);
    tcase_add_test(tcase, running);
    return tcase;
}

int main(void)
{
    return wait_suite_run("wait", make_tests);
}
