/* The answers of threads that got a signal, and the reasons why others have no stack. */
#ifndef THREADLEAK_STACKS_CAPTURED_H
#define THREADLEAK_STACKS_CAPTURED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger/ledger.h"

enum signal_capture_reason {
    SIGNAL_CAPTURE_TAKEN,
    SIGNAL_CAPTURE_BLOCKED,     /* it blocks the signal */
    SIGNAL_CAPTURE_WAITING,     /* it may be in sigwait() */
    SIGNAL_CAPTURE_SMALL_STACK, /* its stack may be too small for a handler */
    SIGNAL_CAPTURE_OTHER_STACK, /* it runs on another stack, whose end is unknown: a coroutine */
    SIGNAL_CAPTURE_TRACED,      /* traced by a debugger, which would stop at the signal */
    SIGNAL_CAPTURE_STOPPED,     /* stopped by job control */
    SIGNAL_CAPTURE_FOREIGN,     /* the shim did not see its start */
    SIGNAL_CAPTURE_NEW,         /* it began after the request */
    SIGNAL_CAPTURE_LOST,        /* the signal no longer has a handler */
    SIGNAL_CAPTURE_SANDBOXED,   /* it has a seccomp filter that is newer than the ledger */
    SIGNAL_CAPTURE_FULL,        /* the section for stacks is full */
    SIGNAL_CAPTURE_SILENT,      /* no answer in time */
};

struct signal_capture_thread {
    pid_t tid;     /* in our pid namespace */
    pid_t own_tid; /* in the pid namespace of the process, as in the ledger */
    enum signal_capture_reason reason;
    const struct ledger_stack *current; /* part of `ledger`; with SIGNAL_CAPTURE_TAKEN, else NULL */
};

struct signal_capture {
    struct ledger *ledger; /* read after the last answer */
    int signal;
    struct signal_capture_thread *threads; /* by ascending tid; without those that ended meanwhile */
    size_t count, taken;
};

void signal_capture_free(struct signal_capture *capture);

/* Why a thread has no stack: "blocks signal 63"; "" for SIGNAL_CAPTURE_TAKEN. `text`: a buffer of 64
 * bytes. */
const char *signal_capture_reason_text(const struct signal_capture *capture,
                                       enum signal_capture_reason reason, char text[64]);

#endif
