/* The clocks of limits in this program, in nanoseconds. */
#ifndef THREADLEAK_BASE_CLOCK_H
#define THREADLEAK_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, as the times in the ledger are. */
uint64_t now_ns(void);

/* Processor time of the calling thread. */
uint64_t cpu_ns(void);

#endif
