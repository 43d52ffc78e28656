/*
 * Creation backtraces.  The only file that knows libunwind, which is loaded
 * privately: its _Unwind_* functions must never be found by the program.
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_CAPTURE_H
#define THREADLEAK_PRELOAD_BACKTRACE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/ledger/site.h"

/* Room for frames that capture_take wants; capture_caller takes one. */
#define CAPTURE_ROOM (shim_config.options.depth + 8)

/* Loads libunwind.  Without it captures hold the caller alone. */
void capture_start(void);

/* The backtrace of the hook's caller.  `caller` is the hook's return address:
 * frames before it are ours.  Leaves errno as it may. */
void capture_take(struct capture *capture, void *caller);

/* The caller alone: when a signal handler came in between and unwinding is not safe. */
void capture_caller(struct capture *capture, void *caller);

/*
 * The backtrace of what a signal interrupted, from the handler's context (a
 * ucontext_t): frames[0] is the exact pc, and `depth` of them at most.  Takes no
 * lock of the loader's (glibc 2.35 and later), and reads no memory that it has
 * not asked the kernel for, since a fault in a handler is the program's end.
 * Within our own unwinding: the pc alone.
 */
void capture_interrupted(struct capture *capture, void *context, uint32_t depth);

/* A library was unloaded: what the unwinder has cached for its addresses may be wrong now. */
void capture_forget(const struct shim_state *state);

/* Around fork: the child must not meet a lock of libunwind that another thread held. */
void capture_before_fork(void);
void capture_in_child(void);

#endif
