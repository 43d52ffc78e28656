/*
 * Replaces functions that libunwind imports. The program can use the same copy of the library. What would
 * change for it is only replaced while the shim unwinds (shim_tls.unwinding).
 *
 * libunwind tests memory by writing it into a pipe that it keeps open.  The program did
 * not open these descriptors.  Once it has closed all descriptors and opened its own ones,
 * libunwind would write into a file of the program.  So the test uses readable.h instead.
 *
 * Its calls of dl_iterate_phdr and __tls_get_addr can wait for the loader's lock. In a forked child, the
 * thread that holds the lock may not exist.
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_IMPORTS_H
#define THREADLEAK_PRELOAD_BACKTRACE_IMPORTS_H

#include <link.h>
#include <stdbool.h>

typedef int imports_callback(struct dl_phdr_info *info, size_t size, void *data);

/*
 * Looks up the functions that this library itself imports and has not called yet. What only a process with
 * threads needs is not looked up when a program starts (Makefile), but here, at the first creation: later
 * the stack can be small. */
void imports_bind(void);

/* Call it before the first use of the library. iterate: replaces dl_iterate_phdr. False: a function could not
 * be replaced, and the library must not be used. */
bool imports_replace(void *library, int (*iterate)(imports_callback *callback, void *data));

#endif
