/* What threads wait for: mutexes of each kind, wherever they lie. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <threads.h>
#include <unistd.h>

#include "snapshot_child.h"
#include "suite.h"
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
    sample("waiter", WAIT_MUTEX);
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
    sample("waiter", WAIT_MUTEX);
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
    sample("waiter", WAIT_MUTEX);
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
    sample("waiter", WAIT_MUTEX);
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
    sample("waiter", WAIT_MUTEX);
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
    sample("waiter", WAIT_MUTEX);
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
    sample("waiter", WAIT_MUTEX);
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

/* ---- what cannot be known ------------------------------------------------------------------- */

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
    TCase *tcase = tcase_create("mutexes");
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
    tcase_add_test(tcase, mutex_of_an_unknown_glibc);
    return tcase;
}

int main(void)
{
    return wait_suite_run("wait_mutex", make_tests);
}
