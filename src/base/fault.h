/* Signals of faults. */
#ifndef THREADLEAK_BASE_FAULT_H
#define THREADLEAK_BASE_FAULT_H

#include <stdint.h>

/* "SIGSEGV"; NULL: it is not the signal of a fault. */
const char *fault_name(uint32_t signal);

#endif
