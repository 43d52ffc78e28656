/* What /proc says of one thread that matters before it is sent a signal. */
#ifndef THREADLEAK_STACKS_SIGNAL_CAPTURE_TASK_H
#define THREADLEAK_STACKS_SIGNAL_CAPTURE_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Is it in rt_sigtimedwait(2), or can that not be told?  The kernel shows the
 * signals that are waited for as not blocked during the wait. */
bool task_may_wait_for_signals(pid_t pid, pid_t tid, char state);

/* Of a thread that is blocked; 0: not known. */
uint64_t task_stack_pointer(pid_t pid, pid_t tid);

#endif
