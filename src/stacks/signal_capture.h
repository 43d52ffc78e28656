/*
 * Current stacks without ptrace: the threads of a watched process take their own,
 * when the shim's reserved signal asks them to (ledger.h, "current stacks").
 *
 * Each thread is looked at in /proc before it is sent the signal, and is left
 * alone when it blocks it or is waiting for signals, since the program would get
 * to see it then; when its stack has no room for a handler, or may have none; when it
 * stands still or is traced; and when it is none of libc's threads.  Of a thread that
 * runs the kernel does not tell on which stack.  The process is left alone when the
 * signal's handler is not known to be the shim's.
 *
 * A program can notice: a system call that a handler interrupts may fail with
 * EINTR (signal(7)).  So this is for where snapshot_take() is refused.
 */
#ifndef THREADLEAK_STACKS_SIGNAL_CAPTURE_H
#define THREADLEAK_STACKS_SIGNAL_CAPTURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger/ledger.h"

enum signal_capture_reason {
    SIGNAL_CAPTURE_TAKEN,
    SIGNAL_CAPTURE_BLOCKED,     /* it blocks the signal */
    SIGNAL_CAPTURE_WAITING,     /* it is in sigwait(), or may be: /proc does not tell */
    SIGNAL_CAPTURE_SMALL_STACK, /* no room for a handler, or not known to have it */
    SIGNAL_CAPTURE_OTHER_STACK, /* it is on another than its own: a coroutine's, whose end is not known */
    SIGNAL_CAPTURE_TRACED,      /* by a debugger, which would stop at the signal */
    SIGNAL_CAPTURE_STOPPED,     /* by job control */
    SIGNAL_CAPTURE_FOREIGN,     /* the shim did not see it start, or not yet */
    SIGNAL_CAPTURE_NEW,         /* it began after the request */
    SIGNAL_CAPTURE_LOST,        /* the signal has no handler by now */
    SIGNAL_CAPTURE_SANDBOXED,   /* it has a seccomp filter that was not there when the ledger began */
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
    struct signal_capture_thread *threads; /* by ascending tid; threads that ended meanwhile are not there */
    size_t count, taken;
};

enum signal_capture_status {
    SIGNAL_CAPTURE_OK,     /* perhaps not one thread was taken: see the reasons */
    SIGNAL_CAPTURE_OFF,    /* not watched, or no signal is reserved, or a sandbox; error says which */
    SIGNAL_CAPTURE_FAILED, /* no such process, or it may not be read or signalled */
};

/* wait_ms: for the answers, all together; 0: 1000. */
enum signal_capture_status signal_capture_take(pid_t pid, unsigned wait_ms, struct signal_capture **capture,
                                               struct error *error);
void signal_capture_free(struct signal_capture *capture);

/* Why a thread has no stack: "blocks signal 63"; `text` has room for 64 bytes.
 * "" for SIGNAL_CAPTURE_TAKEN. */
const char *signal_capture_reason_text(const struct signal_capture *capture,
                                       enum signal_capture_reason reason, char text[64]);

#endif
