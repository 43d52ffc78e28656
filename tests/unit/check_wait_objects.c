/* Threads that wait for rwlocks, semaphores, barriers, joins and the like: children in each kind of wait. */
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <threads.h>
#include <unistd.h>

#include "snapshot_child.h"
#include "suite.h"
#include "wait_child.h"

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
    sample("reader", WAIT_RWLOCK);
    expect("table", "holder", WAIT_TIMEOUT_NO, "read lock of rwlock table, write-locked by T \"holder\"");
    sample("writer", WAIT_RWLOCK);
    expect("table", "holder", WAIT_TIMEOUT_NO, "write lock of rwlock table, write-locked by T \"holder\"");
    ck_assert_uint_eq(seen->address, (uintptr_t)&table);
}
END_TEST

/* gcc gives static variables of functions such names; other dots are not of that kind. */
static pthread_rwlock_t in_function __asm__("in_function.7") = PTHREAD_RWLOCK_INITIALIZER;
static pthread_rwlock_t of_clone __asm__("of.constprop.0") = PTHREAD_RWLOCK_INITIALIZER;

static _Noreturn void *write_both(void *arg)
{
    named(arg);
    pthread_rwlock_wrlock(&of_clone);
    pthread_rwlock_wrlock(&in_function);
    child_ready();
    for (;;)
        pause();
}

static _Noreturn void *write_in_function(void *arg)
{
    named(arg);
    pthread_rwlock_wrlock(&in_function);
    for (;;)
        pause();
}

static _Noreturn void *write_of_clone(void *arg)
{
    named(arg);
    pthread_rwlock_wrlock(&of_clone);
    for (;;)
        pause();
}

static void run_local(void)
{
    start_thread(write_both, "holder");
    wait_ready(1);
    start_thread(write_in_function, "local");
    start_thread(write_of_clone, "clone");
    pause();
}

START_TEST(static_variable_of_a_function)
{
    child = child_start(run_local);
    sample("local", WAIT_RWLOCK);
    expect("in_function", "holder", WAIT_TIMEOUT_NO, NULL);
    sample("clone", WAIT_RWLOCK);
    expect("of.constprop.0", "holder", WAIT_TIMEOUT_NO, NULL);
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
    sample("writer", WAIT_RWLOCK);
    expect("table", NULL, WAIT_TIMEOUT_NO, "write lock of rwlock table, held by 2 readers");
    ck_assert_uint_eq(seen->address, (uintptr_t)&table);
}
END_TEST

static sem_t slots;

static void *take(void *sem)
{
    named("waiter");
    sem_wait(sem);
    return NULL;
}

static void run_sem(void)
{
    sem_init(&slots, 0, 0);
    start_thread(take, &slots);
    pause();
}

START_TEST(semaphore)
{
    child = child_start(run_sem);
    sample("waiter", WAIT_SEMAPHORE);
    expect("slots", NULL, WAIT_TIMEOUT_NO, "semaphore slots, no timeout");
}
END_TEST

/* pshared: may another process post it? mapped_shared: is it in memory that it may have? */
static void run_sem_of(bool pshared, bool mapped_shared)
{
    int flags = MAP_ANONYMOUS | (mapped_shared ? MAP_SHARED : MAP_PRIVATE);
    sem_t *sem = mmap(NULL, sizeof(*sem), PROT_READ | PROT_WRITE, flags, -1, 0);
    sem_init(sem, pshared, 0);
    start_thread(take, sem);
    pause();
}

static void run_sem_of_processes(void)
{
    run_sem_of(true, true);
}

static void run_sem_in_shared_memory(void)
{
    run_sem_of(false, true);
}

static void run_sem_in_private_memory(void)
{
    run_sem_of(true, false);
}

START_TEST(semaphore_of_several_processes)
{
    void (*const runs[])(void) = {run_sem_of_processes, run_sem_in_shared_memory, run_sem_in_private_memory};
    child = child_start(runs[_i]);
    sample("waiter", WAIT_SEMAPHORE);
    ck_assert_int_eq(seen->shared, _i == 0);
    char text[128];
    const char *memory = runs[_i] == run_sem_in_private_memory ? "anonymous memory" : "shared memory";
    snprintf(text, sizeof(text), "semaphore 0x%" PRIx64 " in %s, no timeout", seen->address, memory);
    expect(memory, NULL, WAIT_TIMEOUT_NO, text);
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
    sample_until("waiter", WAIT_BARRIER, "barrier start_line, 2 of 3 threads arrived");
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
    sample("main", WAIT_JOIN);
    expect(NULL, "worker", WAIT_TIMEOUT_NO, "join of T \"worker\"");
    sample("joiner", WAIT_JOIN);
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
    sample("waiter", WAIT_OTHER);
    expect("config_once", "first", WAIT_TIMEOUT_NO,
           "once-initialisation of config_once, begun by T \"first\"");
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
    sample("waiter", WAIT_PIPE);
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
    sample("waiter", WAIT_FUTEX);
    expect("word", NULL, WAIT_TIMEOUT_NO, "futex word, no timeout");
}
END_TEST

static TCase *make_tests(void)
{
    TCase *tcase = tcase_create("objects");
    tcase_add_checked_fixture(tcase, NULL, wait_child_end);
    tcase_add_test(tcase, rwlock_held_by_a_writer);
    tcase_add_test(tcase, static_variable_of_a_function);
    tcase_add_test(tcase, rwlock_held_by_readers);
    tcase_add_test(tcase, semaphore);
    tcase_add_loop_test(tcase, semaphore_of_several_processes, 0, 3);
    tcase_add_test(tcase, barrier);
    tcase_add_test(tcase, join);
    tcase_add_test(tcase, once);
    tcase_add_test(tcase, destructor);
    tcase_add_test(tcase, futex);
    return tcase;
}

int main(void)
{
    return wait_suite_run("wait_objects", make_tests);
}
