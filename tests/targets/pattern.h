/*
 * What the examples of threadleak-patterns(7) share.  Each is a program that leaks a
 * thread, or hangs, when its argument is "wrong".  With "right" it does the same work,
 * and all its threads end.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>

#include "asleep.h"
#include "target.h"

static bool right;

__attribute__((unused)) static void choose(int argc, char **argv)
{
    CHECK(argc > 1 && (strcmp(argv[1], "right") == 0 || strcmp(argv[1], "wrong") == 0));
    right = strcmp(argv[1], "right") == 0;
}

__attribute__((unused)) static void start_detached(void *(*routine)(void *), void *arg)
{
    CHECK(pthread_detach(start(routine, arg)) == 0);
}

/*
 * The end of main.  Says "up" when the other threads have ended, or when those of the
 * wrong version are asleep.  The process goes on when its standard input ends.
 */
__attribute__((unused)) static int end_example(void)
{
    if (right)
        await_alone();
    else
        await_asleep();
    puts("up");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}

#endif
