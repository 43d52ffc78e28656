/*
 * A kernel: a small program with the bug of a real one, after the public descriptions
 * in GoBench (Yuan et al., CGO 2021).  It forces the order of events that blocks:
 * await_asleep() waits until all other threads sleep.  expected.txt says who is stuck
 * in the end.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "../targets/asleep.h"
#include "chan.h"

struct kernel {
    const char *name;
    void (*run)(void);
};

/* KERNEL(cockroach_584) { what the main thread does } */
#define KERNEL(title)                                                                                   \
    static void run_kernel(void);                                                                       \
    static const struct kernel kernel __attribute__((section("kernels"), used)) = {#title, run_kernel}; \
    static __attribute__((noinline)) void run_kernel(void)

#endif
