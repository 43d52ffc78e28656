/* Asks the kernel whether memory is readable: without a fault, a descriptor or a lock. */
#ifndef THREADLEAK_PRELOAD_SHIM_READABLE_H
#define THREADLEAK_PRELOAD_SHIM_READABLE_H

#include <stdbool.h>

/* The aligned eight bytes around an address. */
bool memory_is_readable(const void *address);

#endif
