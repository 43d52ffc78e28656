/* The clock of deadlines in this program. */
#ifndef THREADLEAK_BASE_CLOCK_H
#define THREADLEAK_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, as the times in the ledger are. */
uint64_t now_ns(void);

#endif
