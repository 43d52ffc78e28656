/*
 * Creation backtraces.  The only file that knows libunwind, which is loaded
 * privately: its _Unwind_* functions must never be found by the program.
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_CAPTURE_H
#define THREADLEAK_PRELOAD_BACKTRACE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/options.h"

struct capture {
    uint32_t count; /* at least 1 */
    uint32_t flags; /* SITE_* of ledger.h */
    void *frames[]; /* return addresses; [0] is `caller` */
};

/* One frame of a stack, where its callee was called. */
struct capture_frame {
    uint64_t pc;    /* return address */
    uint64_t cfa;   /* stack pointer after the return */
    uint64_t fp;    /* frame pointer */
    uint64_t fp_at; /* where the frame pointer was found; below the first frame's cfa: never saved */
    bool is_signal;
};

/* In a hook, and nowhere else: its caller. */
#define CAPTURE_CALLER                                                                                  \
    ((struct capture_frame){.pc = (uint64_t)__builtin_extract_return_addr(__builtin_return_address(0)), \
                            .cfa = (uint64_t)__builtin_frame_address(0) + 2 * sizeof(uint64_t),         \
                            .fp = *(const uint64_t *)__builtin_frame_address(0)})

/* Room for frames that capture_take wants; capture_caller takes one. */
#define CAPTURE_ROOM (shim_config.options.depth + 8)

/* Loads libunwind.  Without it captures hold the caller alone. */
void capture_start(void);

/* The backtrace of the hook's caller.  `caller` is the hook's return address:
 * frames before it are ours.  Leaves errno as it may. */
void capture_take(struct capture *capture, void *caller);

/* The caller alone: when a signal handler came in between and unwinding is not safe. */
void capture_caller(struct capture *capture, void *caller);

/* False: enough. */
typedef bool capture_frame_fn(void *arg, const struct capture_frame *frame);
/* Each frame from the hook's caller on, as the slower way of unwinding finds them.
 * Nothing where that is not to be had. */
void capture_walk(const struct capture_frame *caller, capture_frame_fn *frame_is, void *arg);

/*
 * The backtrace of what a signal interrupted, from the handler's context (a
 * ucontext_t): frames[0] is the exact pc, and `depth` of them at most.  Takes no
 * lock of the loader's (glibc 2.35 and later), and reads no memory that it has
 * not asked the kernel for, since a fault in a handler is the program's end.
 * Within our own unwinding: the pc alone.
 */
void capture_interrupted(struct capture *capture, void *context, uint32_t depth);

/* A library was unloaded: what the unwinder knows by address may be wrong now. */
void capture_forget(void);

/* Around fork: the child must not meet a lock of libunwind that another thread held. */
void capture_before_fork(void);
void capture_in_child(void);

#endif
