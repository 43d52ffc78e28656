/* Threads that get pointers as arguments. Prints "up"; ends with its input.
 *
 *   arguments loop     each gets the address of the variable of a loop
 *   arguments dead     one gets the address of a variable of a function that has returned
 *   arguments array    each gets an element of an array on the stack
 *   arguments global   all get the address of a global variable
 *   arguments heap     all get the same memory of malloc */
#include "keep.h"

static int global;

static NOINLINE void start_one(void)
{
    volatile char room[4096] = {0};
    int local = room[0] != 0;
    start_and_keep(stay, &local);
    await_ready(1);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "loop";
    int values[3] = {0}, *heap = malloc(sizeof(*heap));
    char byte;
    CHECK(heap);
    for (int i = 0; i < 3 && strcmp(how, "dead") != 0; i++)
        start_and_keep(stay, !strcmp(how, "loop")     ? &i
                             : !strcmp(how, "array")  ? &values[i]
                             : !strcmp(how, "global") ? &global
                                                      : heap);
    if (!strcmp(how, "dead"))
        start_one();
    else
        await_ready(3);
    CHECK(write(1, "up\n", 3) == 3);
    return (int)read(0, &byte, 1);
}
