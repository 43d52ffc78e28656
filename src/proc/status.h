/* The fields of /proc/PID/task/TID/stat and status: proc_pid_stat(5), proc_pid_status(5). */
#ifndef THREADLEAK_PROC_STATUS_H
#define THREADLEAK_PROC_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct task_stat {
    char name[16];
    char state; /* R S D T t Z X …; 0: unknown */
    pid_t parent;
    uint64_t cpu_ticks;   /* user + system; sysconf(_SC_CLK_TCK) a second */
    uint64_t start_ticks; /* after boot */
    uint64_t stack_start; /* of the main thread: above it are argv and environ; 0: not readable */
    int processor;        /* on which it last ran */
};

/* Reads it for one task; tid 0: for the main thread, with the CPU time of the whole process. False: no such
 * task, or not readable; then all fields are 0 and `processor` is -1. */
bool task_stat_read(pid_t pid, pid_t tid, struct task_stat *stat);

/* Is a task with this state a zombie or gone? */
bool task_state_is_end(char state);

struct task_status {
    char state;             /* as in struct task_stat */
    pid_t own_pid, own_tid; /* in its own pid namespace */
    pid_t tracer;           /* 0: none */
    long user;              /* real user ID; -1: unknown */
    long threads;           /* of the process; -1: unknown */
    bool has_memory;        /* a zombie and a kernel thread have none */
    long seccomp;           /* 0: no filter; -1: unknown */
    uint64_t capabilities;  /* effective capabilities: 1 << number */
    uint64_t blocked;       /* signals: 1 << (number - 1); all of them: unknown */
    uint64_t caught;        /* signals */
};

/* Reads it for one task; tid 0: for the main thread. False: no such task, or not readable; then all fields
 * are unknown, and own_pid and own_tid are the arguments. */
bool task_status_read(pid_t pid, pid_t tid, struct task_status *status);

#endif
