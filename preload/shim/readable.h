/* Reads memory that may not be mapped, without a fault. */
#ifndef THREADLEAK_PRELOAD_SHIM_READABLE_H
#define THREADLEAK_PRELOAD_SHIM_READABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The smallest size of a page. */
#define MEMORY_PAGE 4096ul

/* Only the aligned eight bytes around `address` are tested. */
bool memory_is_readable(const void *address);

/* The same, without a system call for an address on *page, the one that was found readable last; 0: none. */
bool memory_is_readable_near(const void *address, uintptr_t *page);

/* Copies memory that another thread may unmap meanwhile. False: not all of it is readable. A sandboxed
 * program gets a plain copy, because its filter can kill for the system call. */
bool memory_copy(void *to, const void *from, size_t size);

/* The same for a string. False: not readable, or longer than `size` with its NUL. */
bool memory_copy_string(char *to, const char *from, size_t size);

#endif
