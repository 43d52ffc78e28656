/*
 * libunwind asks whether memory is readable by writing a byte of it into a pipe
 * that it keeps open.  In somebody else's program those two descriptors would
 * be two that the program did not open, and once it closed all of them and
 * opened its own in their place, libunwind would write there.  So, in our copy
 * of the library, the pipe is replaced by a question to the kernel that needs
 * no descriptor.
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_IMPORTS_H
#define THREADLEAK_PRELOAD_BACKTRACE_IMPORTS_H

#include <link.h>
#include <stdbool.h>

typedef int imports_callback(struct dl_phdr_info *info, size_t size, void *data);

/* Before the first use of the library, a handle of dlopen.  `iterate` stands in
 * for dl_iterate_phdr.  False: its calls could not be replaced, and it must not
 * be used. */
bool imports_replace(void *library, int (*iterate)(imports_callback *callback, void *data));

/* libc's own dl_iterate_phdr. */
int imports_iterate(imports_callback *callback, void *data);

#endif
