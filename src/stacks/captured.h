/* The threads of a process, the answers of those that got a signal, and why others have no stack. */
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
    pid_t own_tid; /* in the pid namespace of the process, as in its answer */
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

/* The threads that the shim tracks: they have begun and not ended, and the end of the stack is known. */
struct tracked_list {
    struct thread_index index;
    pid_t main;
};

struct tracked {
    bool small_stack;
    uint64_t handle; /* pthread_t, at the upper end of its stack; 0: the main thread's */
};

/* Fills capture->threads from /proc/PID/task.  False with errno. */
bool list_tasks(pid_t pid, struct signal_capture *capture);

/* Replaces the list.  False: out of memory; then it is empty. */
bool tracked_read(struct tracked_list *list, const struct ledger *ledger, pid_t pid);
/* tracked may be NULL. False: the thread is not tracked. */
bool tracked_find(const struct tracked_list *list, pid_t tid, struct tracked *tracked);
void tracked_release(struct tracked_list *list);

/* Adds to capture->threads those that only the ledger has.  False: out of memory. */
bool add_tracked(struct signal_capture *capture, const struct tracked_list *list);

#endif
