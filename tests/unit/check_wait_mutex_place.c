/* Where the mutex is that a thread waits for: in a variable, on the heap, on a stack. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mutex_child.h"
#include "snapshot_child.h"
#include "suite.h"
#include "wait_child.h"

struct pool {
    char name[24];
    pthread_mutex_t lock;
} pools[3];
static pthread_mutex_t static_lock = PTHREAD_MUTEX_INITIALIZER;

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

static TCase *make_tests(void)
{
    TCase *tcase = tcase_create("mutex_place");
    tcase_add_checked_fixture(tcase, NULL, wait_child_end);
    tcase_add_test(tcase, mutex_of_one_file);
    tcase_add_test(tcase, mutex_inside_a_variable);
    tcase_add_test(tcase, mutex_on_the_heap);
    tcase_add_test(tcase, mutex_in_another_arena);
    tcase_add_test(tcase, mutex_in_anonymous_memory);
    tcase_add_test(tcase, mutex_on_another_stack);
    return tcase;
}

int main(void)
{
    return wait_suite_run("wait_mutex_place", make_tests);
}
