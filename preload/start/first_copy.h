/*
 * A process can have two copies of this library: LD_PRELOAD has two paths, or `threadleak run` adds one to
 * it. The hooks of the first copy call those of the second as the real functions. Only the first records.
 */
#ifndef THREADLEAK_PRELOAD_START_FIRST_COPY_H
#define THREADLEAK_PRELOAD_START_FIRST_COPY_H

#include <stdbool.h>

/* Is this the first copy, or the only one? Calls dlsym. */
bool is_first_copy(void);

#endif
