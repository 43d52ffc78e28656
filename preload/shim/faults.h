/* Sets of signals, as the kernel has them. If the signal of a fault is blocked when it happens, the kernel
 * ends the process without the program's handler. */
#ifndef THREADLEAK_PRELOAD_SHIM_FAULTS_H
#define THREADLEAK_PRELOAD_SHIM_FAULTS_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

static inline uint64_t signal_bit(int number)
{
    return 1ull << (number - 1);
}

/* The mask of the kernel with all other signals. */
static inline uint64_t all_but_faults(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
    uint64_t mask = ~0ull;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
        mask &= ~signal_bit(faults[i]);
    return mask;
}

#endif
