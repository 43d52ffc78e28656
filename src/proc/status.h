/* The fields of /proc/PID/task/TID/status (proc_pid_status(5)). */
#ifndef THREADLEAK_PROC_STATUS_H
#define THREADLEAK_PROC_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct task_status {
    char state;             /* as in /proc/PID/stat; 0: unknown */
    pid_t own_pid, own_tid; /* in its own pid namespace: as it knows itself */
    pid_t tracer;           /* 0: none */
    long user;              /* real user ID; -1: unknown */
    long threads;           /* of the process; -1: unknown */
    bool has_memory;        /* a zombie and a thread of the kernel have none */
    long seccomp;           /* 0: no filter; -1: unknown */
    uint64_t capabilities;  /* effective ones: 1 << number */
    uint64_t blocked;       /* signals: 1 << (number - 1); all of them: unknown */
    uint64_t caught;        /* signals */
};

/* Of one task; tid 0: of the main thread.  False: there is none or it is not readable; then all is unknown,
 * and own_pid and own_tid are as given. */
bool task_status_read(pid_t pid, pid_t tid, struct task_status *status);

#endif
