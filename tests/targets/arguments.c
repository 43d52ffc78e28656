/* Threads that get pointers as arguments. Prints "up"; ends with its input.
 *
 *   arguments loop     each gets the address of the variable of a loop
 *   arguments dead     one gets the address of a variable of a function that has returned
 *   arguments ended    one gets the address of a variable of a thread that ends, and is not joined
 *   arguments array    each gets an element of an array on the stack
 *   arguments global   all get the address of a global variable
 *   arguments heap     all get the same memory of malloc */
#include "keep.h"

#include <sched.h>

static int global;

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

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "loop";
    int values[3] = {0}, *heap = malloc(sizeof(*heap));
    char byte;
    CHECK(heap);
    for (int i = 0; i < 3 && strcmp(how, "dead") != 0 && strcmp(how, "ended") != 0; i++)
        start_and_keep(stay, !strcmp(how, "loop")     ? &i
                             : !strcmp(how, "array")  ? &values[i]
                             : !strcmp(how, "global") ? &global
                                                      : heap);
    if (!strcmp(how, "dead"))
        start_one();
    else if (!strcmp(how, "ended"))
        start_by_one_that_ends();
    else
        await_ready(3);
    CHECK(write(1, "up\n", 3) == 3);
    return (int)read(0, &byte, 1);
}
