/* Asks the kernel whether memory is readable, without a fault, a descriptor or a lock. */
#ifndef THREADLEAK_PRELOAD_SHIM_READABLE_H
#define THREADLEAK_PRELOAD_SHIM_READABLE_H

#include <stdbool.h>

/* Are the aligned eight bytes around the address readable? */
bool memory_is_readable(const void *address);

#endif
