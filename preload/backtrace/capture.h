/*
 * Backtraces.  Only this file uses libunwind.  It loads the library with RTLD_LOCAL, so
 * that the program never calls its _Unwind_* functions.
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_CAPTURE_H
#define THREADLEAK_PRELOAD_BACKTRACE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/ledger/site.h"

/* capture_take needs memory for this many frames, capture_caller for one. */
#define CAPTURE_MAX (shim_config.options.depth + 8)

/* Loads libunwind.  Without it a capture has only the caller. */
void capture_start(void);

/* The backtrace, which begins at the caller of a hook. caller: the return address of the hook. Changes
 * errno. */
void capture_take(struct capture *capture, void *caller);

/* Captures only the caller. For a signal handler that interrupted a hook: unwinding is not safe there. */
void capture_caller(struct capture *capture, void *caller);

/*
 * The backtrace of interrupted code, in a signal handler.  context: a ucontext_t.
 * frames[0] is the exact pc, and there are at most `depth` frames.
 *
 * It takes no lock of the loader (glibc 2.35 and later).  It asks the kernel whether memory
 * is readable, because a fault in a handler ends the program.  If our own unwinding was
 * interrupted, the capture has only the pc.
 */
void capture_interrupted(struct capture *capture, void *context, uint32_t depth);

/* A library was unloaded: libunwind's cache for its addresses can be wrong. */
void capture_forget(void);

/* Call them before fork and in the child, where no other thread can release a lock of libunwind. */
void capture_before_fork(void);
void capture_in_child(void);

#endif
