/*
 * The system call in which a task is blocked, from /proc/PID/task/TID/syscall (proc_pid_syscall(5)). Reading
 * it needs the same permission as ptrace, and has no effect on the task.
 */
#ifndef THREADLEAK_PROC_CALL_H
#define THREADLEAK_PROC_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum task_call_state {
    TASK_CALL_UNKNOWN, /* no such task, not permitted, or a kernel without the file */
    TASK_CALL_RUNNING, /* on a CPU, or ready to */
    TASK_CALL_NONE,    /* blocked outside of a call: a page fault */
    TASK_CALL_BLOCKED
};

struct task_call {
    enum task_call_state state;
    long nr; /* -1 unless TASK_CALL_BLOCKED */
    uint64_t args[6], sp, pc;
    uint64_t runs; /* how often it has got a CPU; 0: unknown */
};

/* The call. Does not set `runs`. */
void task_call_read(pid_t pid, pid_t tid, struct task_call *call);
/* How often the task has got a CPU: schedstat, else the context switches in status; 0: unknown. */
uint64_t task_runs_read(pid_t pid, pid_t tid);
/* How often the task has slept, that is given up its CPU to wait for something; 0: unknown. */
uint64_t task_sleeps_read(pid_t pid, pid_t tid);
/* Its time on a CPU, without what it has used since the kernel's last tick; 0: unknown. */
uint64_t task_cpu_ns_read(pid_t pid, pid_t tid);
/* Has the task not left its call between two readings? */
bool task_call_is_same(const struct task_call *before, const struct task_call *after);

#endif
