/*
 * How long ago each thread last ran: se.exec_start in /proc/PID/task/TID/sched, which kernels with
 * CONFIG_SCHED_DEBUG have. Read it before a snapshot, because the stop wakes every thread.
 */
#ifndef THREADLEAK_PROC_IDLE_H
#define THREADLEAK_PROC_IDLE_H

#include <sys/types.h>

#include "proc/tasks.h"

/* Sets idle_s of all tasks. It stays unknown if the kernel does not have it, and for a process with more than
 * 2000 threads, where it would take too long. No task has been idle for longer than its life. */
void task_list_set_idle(struct task_list *list, pid_t pid);

#endif
