/* Whether a thread can be sent a signal, by /proc. */
#ifndef THREADLEAK_STACKS_SIGNAL_CAPTURE_TASK_H
#define THREADLEAK_STACKS_SIGNAL_CAPTURE_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* True also where that is unknown.  In rt_sigtimedwait(2) the kernel shows the awaited signals as not
 * blocked. */
bool task_may_wait_for_signals(pid_t pid, pid_t tid, char state);

/* Of a thread that is blocked in a call; 0: unknown. */
uint64_t task_stack_pointer(pid_t pid, pid_t tid);

#endif
