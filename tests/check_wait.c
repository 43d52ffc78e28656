/* What threads wait for: children in each kind of wait, each told whole. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include "snapshot_child.h"
#include "wait_child.h"

/* ---- mutexes ------------------------------------------------------------------------- */

pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
struct pool {
    char name[24];
    pthread_mutex_t lock;
} pools[3];
static pthread_mutex_t static_lock = PTHREAD_MUTEX_INITIALIZER;
static mtx_t c11_lock;

static _Noreturn void *hold_mutex(void *lock)
{
    named("holder");
    pthread_mutex_lock(lock);
    child_ready();
    for (;;)
        pause();
}

static void *take_mutex(void *lock)
{
    named("waiter");
    pthread_mutex_lock(lock);
    return NULL;
}

static void contend(pthread_mutex_t *lock)
{
    start_thread(hold_mutex, lock);
    wait_ready(1);
    start_thread(take_mutex, lock);
    pause();
}

static void run_mutex(void)
{
    contend(&queue_lock);
}

START_TEST(mutex)
{
    child = child_start(run_mutex);
    look("waiter", WAIT_MUTEX);
    expect("queue_lock", "holder", WAIT_TIMEOUT_NO, "mutex queue_lock, held by T \"holder\"");
    ck_assert_uint_eq(seen->address, (uintptr_t)&queue_lock);
    ck_assert_str_eq(seen->kind, "");
    ck_assert(!seen->running);
}
END_TEST

static void run_static_mutex(void)
{
    contend(&static_lock);
}

START_TEST(mutex_of_one_file)
{
    child = child_start(run_static_mutex);
    look("waiter", WAIT_MUTEX);
    expect("static_lock", "holder", WAIT_TIMEOUT_NO, "mutex static_lock, held by T \"holder\"");
}
END_TEST

static void run_array(void)
{
    contend(&pools[1].lock);
}

START_TEST(mutex_inside_a_variable)
{
    char symbol[64], text[128];
    child = child_start(run_array);
    look("waiter", WAIT_MUTEX);
    snprintf(symbol, sizeof(symbol), "pools+0x%zx", sizeof(struct pool) + offsetof(struct pool, lock));
    snprintf(text, sizeof(text), "mutex %s, held by T \"holder\"", symbol);
    expect(symbol, "holder", WAIT_TIMEOUT_NO, text);
}
END_TEST

static void publish(const void *object)
{
    atomic_store(&shared->counter, (long)(uintptr_t)object);
}

static unsigned long published(void)
{
    return (unsigned long)atomic_load(&shared->counter);
}

/* Another allocator than glibc's has its own places. */
#ifdef __SANITIZE_ADDRESS__
#define HEAP "anonymous memory"
#define ON_THE_HEAP "in anonymous memory"
#else
#define HEAP "heap"
#define ON_THE_HEAP "on the heap"
#endif

static void run_heap(void)
{
    pthread_mutex_t *lock = calloc(1, sizeof(*lock));
    publish(lock);
    contend(lock);
}

START_TEST(mutex_on_the_heap)
{
    char text[128];
    child = child_start(run_heap);
    look("waiter", WAIT_MUTEX);
    snprintf(text, sizeof(text), "mutex 0x%lx " ON_THE_HEAP ", held by T \"holder\"", published());
    expect(HEAP, "holder", WAIT_TIMEOUT_NO, text);
}
END_TEST

static void *take_of_arena(void *arg)
{
    (void)arg;
    named("waiter");
    pthread_mutex_t *lock = calloc(1, sizeof(*lock));
    publish(lock);
    start_thread(hold_mutex, lock);
    wait_ready(1);
    pthread_mutex_lock(lock);
    return NULL;
}

static void run_arena(void)
{
    start_thread(take_of_arena, NULL);
    pause();
}

START_TEST(mutex_in_another_arena)
{
    char text[128];
    child = child_start(run_arena);
    look("waiter", WAIT_MUTEX);
    snprintf(text, sizeof(text), "mutex 0x%lx " ON_THE_HEAP ", held by T \"holder\"", published());
    expect(HEAP, "holder", WAIT_TIMEOUT_NO, text);
}
END_TEST

static void run_anonymous(void)
{
    pthread_mutex_t *lock = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    publish(lock);
    contend(lock);
}

START_TEST(mutex_in_anonymous_memory)
{
    char text[128];
    child = child_start(run_anonymous);
    look("waiter", WAIT_MUTEX);
    snprintf(text, sizeof(text), "mutex 0x%lx in anonymous memory, held by T \"holder\"", published());
    expect("anonymous memory", "holder", WAIT_TIMEOUT_NO, text);
}
END_TEST

static _Noreturn void *own_mutex(void *arg)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)arg;
    named("owner");
    publish(&lock);
    pthread_mutex_lock(&lock);
    start_thread(take_mutex, &lock);
    for (;;)
        pause();
}

static void run_on_stack(void)
{
    start_thread(own_mutex, NULL);
    pause();
}

START_TEST(mutex_on_another_stack)
{
    char text[128];
    child = child_start(run_on_stack);
    look("waiter", WAIT_MUTEX);
    snprintf(text, sizeof(text), "mutex 0x%lx on the stack of T \"owner\", held by T \"owner\"", published());
    expect("stack of T \"owner\"", "owner", WAIT_TIMEOUT_NO, text);
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
    look("waiter", WAIT_MUTEX);
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
    look("waiter", WAIT_MUTEX);
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
    look("waiter", WAIT_MUTEX);
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
    look("waiter", WAIT_MUTEX);
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
    look("waiter", WAIT_MUTEX);
    expect("c11_lock", "holder", WAIT_TIMEOUT_NO, "mutex c11_lock, held by T \"holder\"");
    look("joiner", WAIT_JOIN);
    expect(NULL, "waiter", WAIT_TIMEOUT_NO, "join of T \"waiter\"");
}
END_TEST

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
           "mutex jobs_lock, held by T \"holder\", to return from a condvar's wait");
}
END_TEST

static cnd_t c11_ready;

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
    look_until("waiter", WAIT_BARRIER, "barrier start_line, 2 of 3 are there");
    expect("start_line", NULL, WAIT_TIMEOUT_NO, "barrier start_line, 2 of 3 are there");
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

/* ---- what cannot be known ------------------------------------------------------------------- */

START_TEST(mutex_of_an_unknown_glibc)
{
    char text[64];
    glibc = "2.99";
    child = child_start(run_mutex);
    look("waiter", WAIT_FUTEX);
    snprintf(text, sizeof(text), "futex 0x%lx, no timeout", (unsigned long)(uintptr_t)&queue_lock);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, text);
    ck_assert_uint_eq(seen->address, (uintptr_t)&queue_lock);
}
END_TEST

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

static Suite *make_suite(void)
{
    Suite *suite = suite_create("wait");
    TCase *tcase = tcase_create("objects");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, NULL, wait_child_end);
    tcase_add_test(tcase, mutex);
    tcase_add_test(tcase, mutex_of_one_file);
    tcase_add_test(tcase, mutex_inside_a_variable);
    tcase_add_test(tcase, mutex_on_the_heap);
    tcase_add_test(tcase, mutex_in_another_arena);
    tcase_add_test(tcase, mutex_in_anonymous_memory);
    tcase_add_test(tcase, mutex_on_another_stack);
    tcase_add_test(tcase, mutex_of_the_thread_itself);
    tcase_add_test(tcase, mutex_of_a_thread_that_has_ended);
    tcase_add_loop_test(tcase, kinds_of_mutexes, 0, sizeof(kinds) / sizeof(kinds[0]));
    tcase_add_test(tcase, mutex_with_a_timeout);
    tcase_add_test(tcase, mutex_of_c11);
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
    tcase_add_test(tcase, mutex_of_an_unknown_glibc);
    tcase_add_test(tcase, running);
    suite_add_tcase(suite, tcase);
    return suite;
}

static int run_suite(void)
{
    SRunner *runner = srunner_create(make_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Once more with libc as most systems have it, where only what it exports has a name. */
static int run_without_debug_files(void)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (access("/usr/lib/debug", F_OK) != 0)
            _exit(EXIT_SUCCESS);
        if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "", MS_REC | MS_PRIVATE, "") != 0 ||
            mount("none", "/usr/lib/debug", "tmpfs", 0, "") != 0) {
            puts("skip without debug files: no mount namespace");
            _exit(EXIT_SUCCESS);
        }
        exit(run_suite());
    }
    waitpid(pid, &status, 0);
    return status;
}

int main(void)
{
    int with = run_suite(), without = run_without_debug_files();
    return with || without ? EXIT_FAILURE : EXIT_SUCCESS;
}
