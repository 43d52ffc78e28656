/*
 * Creation backtraces.  The only file that knows libunwind, which is loaded
 * privately: its _Unwind_* functions must never be found by the program.
 */
#ifndef THREADLEAK_CAPTURE_H
#define THREADLEAK_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"

struct capture {
    uint32_t count; /* at least 1 */
    uint32_t flags; /* SITE_* of ledger.h */
    void *frames[]; /* return addresses; [0] is `caller` */
};

/* Room for frames that capture_take wants; capture_caller takes one. */
#define CAPTURE_ROOM (shim_config.options.depth + 8)

/* Loads libunwind.  Without it captures hold the caller alone. */
void capture_start(void);

/* The backtrace of the hook's caller.  `caller` is the hook's return address:
 * frames before it are ours.  Leaves errno as it may. */
void capture_take(struct capture *capture, void *caller);

/* The caller alone: when a signal handler came in between and unwinding is not safe. */
void capture_caller(struct capture *capture, void *caller);

/* A library was unloaded: what the unwinder knows by address may be wrong now. */
void capture_forget(void);

/* Around fork: the child must not meet a lock of libunwind that another thread held. */
void capture_before_fork(void);
void capture_in_child(void);

#endif
