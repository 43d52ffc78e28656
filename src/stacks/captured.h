/* What the threads that were asked by a signal answered, and why others have no stack. */
#ifndef THREADLEAK_STACKS_CAPTURED_H
#define THREADLEAK_STACKS_CAPTURED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger/ledger.h"

enum signal_capture_reason {
    SIGNAL_CAPTURE_TAKEN,
    SIGNAL_CAPTURE_BLOCKED,     /* it blocks the signal */
    SIGNAL_CAPTURE_WAITING,     /* it is in sigwait(), or may be */
    SIGNAL_CAPTURE_SMALL_STACK, /* no room for a handler, or not known to have it */
    SIGNAL_CAPTURE_OTHER_STACK, /* it is on another stack than its own, whose end is unknown: a coroutine's */
    SIGNAL_CAPTURE_TRACED,      /* by a debugger, which would stop at the signal */
    SIGNAL_CAPTURE_STOPPED,     /* by job control */
    SIGNAL_CAPTURE_FOREIGN,     /* the shim did not see it start, or not yet */
    SIGNAL_CAPTURE_NEW,         /* it began after the request */
    SIGNAL_CAPTURE_LOST,        /* the signal has no handler by now */
    SIGNAL_CAPTURE_SANDBOXED,   /* it got a seccomp filter after the ledger began */
    SIGNAL_CAPTURE_FULL,        /* the ledger has no room for more stacks */
    SIGNAL_CAPTURE_SILENT,      /* did not answer in time */
};

struct signal_capture_thread {
    pid_t tid;     /* as this process sees it */
    pid_t own_tid; /* as the process does, in its own pid namespace: that of the ledger */
    enum signal_capture_reason reason;
    const struct ledger_stack *current; /* part of `ledger`; with SIGNAL_CAPTURE_TAKEN, else NULL */
};

struct signal_capture {
    struct ledger *ledger; /* as it was after the last answer */
    int signal;
    struct signal_capture_thread *threads; /* by ascending tid; without those that ended meanwhile */
    size_t count, taken;
};

void signal_capture_free(struct signal_capture *capture);

/* Why a thread has no stack: "blocks signal 63"; `text` has room for 64 bytes.
 * "" for SIGNAL_CAPTURE_TAKEN. */
const char *signal_capture_reason_text(const struct signal_capture *capture,
                                       enum signal_capture_reason reason, char text[64]);

#endif
