/* The clock that deadlines within this program are kept by. */
#ifndef THREADLEAK_BASE_CLOCK_H
#define THREADLEAK_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, as the ledger's times. */
uint64_t now_ns(void);

#endif
