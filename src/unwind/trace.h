/* The frames of one thread, while it is unwound. */
#ifndef THREADLEAK_UNWIND_TRACE_H
#define THREADLEAK_UNWIND_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/cache.h"

struct trace {
    uint64_t *pcs; /* leaf first */
    bool *are_returns;
    size_t count, capacity;
    const char *incomplete; /* why frames are missing, or NULL */
    uint64_t missing;       /* an address that another stop could copy; 0: none */
};

/* Finds the frames of a thread, at most *frames_left, and subtracts their number from that. Overwrites the
 * previous trace. */
void trace_thread(struct trace *trace, struct code *code, const struct snapshot_thread *thread,
                  size_t *frames_left);
void trace_release(struct trace *trace);

#endif
