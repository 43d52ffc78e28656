/* A loop in several threads, for reading much of /proc, and for memory. */
#ifndef THREADLEAK_BASE_PARALLEL_H
#define THREADLEAK_BASE_PARALLEL_H

#include <stddef.h>

/* Does the items first … end - 1. */
typedef void parallel_fn(void *arg, size_t first, size_t end);

/* Calls `run` for parts of 0 … count - 1 that have at least `least` items each, and returns when all are
 * done. At most four threads, and not more than there are processors. If none can be created, the caller does
 * all.
 */
void parallel_run(size_t count, size_t least, parallel_fn *run, void *arg);

#endif
