/* Threads that get pointers as arguments. Prints "up"; ends with its input.
 *
 *   arguments loop     each gets the address of the variable of a loop
 *   arguments inlined  the same, in a function that is inlined, by a thread
 *   arguments struct   all get one structure, which the creator changes
 *   arguments copied   each gets the address of the variable of a loop, which waits until it was copied
 *   arguments same     all get the address of one variable, which does not change
 *   arguments counted  all get the address of one variable, which they change
 *   arguments dead     one gets the address of a variable of a function that has returned
 *   arguments ended    one gets the address of a variable of a thread that ends, and is not joined
 *   arguments array    each gets an element of an array on the stack
 *   arguments global   all get the address of a global variable
 *   arguments heap     all get the same memory of malloc
 *   arguments argv     all get a string of the command line
 *   arguments environ  all get a string of the environment
 *   arguments auxv     all get what the kernel put above that
 *   arguments tls      all get a thread-local variable of a thread
 *   arguments alloca   all get the same memory of alloca
 *   arguments outermost  all get the last element of an array of main
 *   arguments coroutine  the main thread is on a stack of its own making; two get the same memory above it,
 * two memory below it, in the same mapping */
#include "keep.h"

#include <alloca.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <semaphore.h>

#define COROUTINE (64 << 10)

static int global;
static sem_t copied;
static pthread_mutex_t count_lock = PTHREAD_MUTEX_INITIALIZER;

static void *copy_and_stay(void *arg)
{
    volatile int copy = *(int *)arg;
    sem_post(&copied);
    return copy < 3 ? stay(NULL) : NULL;
}

static void *count_and_stay(void *arg)
{
    pthread_mutex_lock(&count_lock);
    ++*(int *)arg;
    pthread_mutex_unlock(&count_lock);
    return stay(NULL);
}

static inline __attribute__((always_inline)) void start_in_loop(void *(*routine)(void *))
{
    for (int number = 0; number < 3; number++)
        start_and_keep(routine, &number);
}

static void *start_in_loop_of_thread(void *arg)
{
    start_in_loop(stay);
    return stay(arg);
}

static void start_copying(void)
{
    for (int i = 0; i < 3; i++) {
        start_and_keep(copy_and_stay, &i);
        sem_wait(&copied);
    }
}

static void start_with_one(void *(*routine)(void *))
{
    int value = 0;
    for (int i = 0; i < 3; i++)
        start_and_keep(routine, &value);
    await_ready(3);
    CHECK(write(1, "up\n", 3) == 3);
    CHECK(read(0, &value, 1) <= 1);
}

static void start_with_structure(void)
{
    struct {
        int number, other;
    } context = {0, 0};
    for (; context.number < 3; context.number++)
        start_and_keep(stay, &context);
    await_ready(3);
    CHECK(write(1, "up\n", 3) == 3);
    CHECK(read(0, &context, 1) <= 1);
}

static NOINLINE void start_one(void)
{
    volatile char room[4096] = {0};
    int local = room[0] != 0;
    start_and_keep(stay, &local);
    await_ready(1);
}

/* Creates a thread, and ends. */
static void *create_and_end(void *arg)
{
    volatile int local = arg != NULL;
    *(pid_t *)arg = gettid();
    start_and_keep(stay, (void *)&local);
    await_ready(1);
    return NULL;
}

static void start_by_one_that_ends(void)
{
    static pid_t tid;
    start_and_keep(create_and_end, &tid);
    while (!*(volatile pid_t *)&tid)
        sched_yield();
    await_gone(tid);
}

static void start_with(void *arg)
{
    for (int i = 0; i < 3; i++)
        start_and_keep(stay, arg);
}

static void *start_with_thread_local(void *arg)
{
    static _Thread_local int value;
    start_with(&value);
    return stay(arg);
}

/* The size is of use to no optimizer. */
static void start_with_alloca(size_t size)
{
    char byte, *memory = alloca(size);
    memory[0] = 0;
    start_with(memory);
    await_ready(3);
    CHECK(write(1, "up\n", 3) == 3);
    CHECK(read(0, &byte, 1) <= 1);
}

static char *around; /* the stack of the coroutine */

static void start_with_neighbours(void)
{
    char byte;
    for (int i = 0; i < 4; i++)
        start_and_keep(stay, i < 2 ? around + COROUTINE + 64 : around - 64);
    await_ready(4);
    CHECK(write(1, "up\n", 3) == 3);
    CHECK(read(0, &byte, 1) <= 1);
}

/* A signal handler on a stack of its own is the same. */
static void start_on_coroutine(void)
{
    static ucontext_t outer, inner;
    char *memory = mmap(NULL, 3 * COROUTINE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED && getcontext(&inner) == 0);
    around = memory + COROUTINE;
    inner.uc_stack = (stack_t){.ss_sp = around, .ss_size = COROUTINE};
    inner.uc_link = &outer;
    makecontext(&inner, start_with_neighbours, 0);
    CHECK(swapcontext(&outer, &inner) == 0);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "loop";
    int values[300] = {0}, *heap = malloc(sizeof(*heap));
    char byte;
    CHECK(heap);
    void *given = !strcmp(how, "global")      ? &global
                  : !strcmp(how, "heap")      ? heap
                  : !strcmp(how, "argv")      ? argv[1]
                  : !strcmp(how, "environ")   ? getenv("PATH")
                  : !strcmp(how, "auxv")      ? (void *)getauxval(AT_RANDOM)
                  : !strcmp(how, "outermost") ? &values[299]
                                              : NULL;
    bool is_other = given || !strcmp(how, "loop") || !strcmp(how, "array");
    for (int i = 0; i < 3 && is_other; i++)
        start_and_keep(stay, given ? given : !strcmp(how, "loop") ? &i : &values[i]);
    if (!strcmp(how, "dead"))
        start_one();
    else if (!strcmp(how, "ended"))
        start_by_one_that_ends();
    else if (!strcmp(how, "inlined"))
        start_and_keep(start_in_loop_of_thread, NULL);
    else if (!strcmp(how, "tls"))
        start_and_keep(start_with_thread_local, NULL);
    else if (!strcmp(how, "alloca"))
        start_with_alloca((size_t)argc * 1000);
    else if (!strcmp(how, "copied"))
        start_copying();
    else if (!strcmp(how, "same") || !strcmp(how, "counted"))
        start_with_one(!strcmp(how, "same") ? stay : count_and_stay);
    else if (!strcmp(how, "struct"))
        start_with_structure();
    else if (!strcmp(how, "coroutine"))
        start_on_coroutine();
    if (is_other || !strcmp(how, "copied"))
        await_ready(3);
    else if (!strcmp(how, "inlined") || !strcmp(how, "tls"))
        await_ready(4);
    CHECK(write(1, "up\n", 3) == 3);
    return (int)read(0, &byte, 1);
}
