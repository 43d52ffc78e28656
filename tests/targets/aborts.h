/*
 * For programs that end by abort(), or call it and do not end. Without the shim and with it, each has the
 * same status and prints the same.
 */
#ifndef ABORTS_H
#define ABORTS_H

#include "target.h"
#include "ways.h"

static NOINLINE void give_up(void)
{
    abort();
}

static void keep_threads(void)
{
    start(stay, NULL);
    start(stay, NULL);
    await_ready(2);
}

__attribute__((unused)) static void fault(void)
{
    *(volatile int *)8 = 1;
}

#endif
