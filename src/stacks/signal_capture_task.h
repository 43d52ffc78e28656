/* What /proc says of one thread that matters before it is sent a signal. */
#ifndef THREADLEAK_STACKS_SIGNAL_CAPTURE_TASK_H
#define THREADLEAK_STACKS_SIGNAL_CAPTURE_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct task_look {
    char state;    /* of /proc/PID/stat */
    pid_t own_tid; /* in its own pid namespace */
    long seccomp;
    long tracer;              /* 0: none */
    uint64_t blocked, caught; /* signals: 1 << (number - 1) */
};

/* False: it is gone. */
bool task_look(pid_t pid, pid_t tid, struct task_look *look);

/* Is it in rt_sigtimedwait(2), or can that not be told?  The kernel shows the
 * signals that are waited for as not blocked during the wait. */
bool task_may_wait_for_signals(pid_t pid, pid_t tid, char state);

/* Of a thread that is blocked; 0: not known. */
uint64_t task_stack_pointer(pid_t pid, pid_t tid);

#endif
