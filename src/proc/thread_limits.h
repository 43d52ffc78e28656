/*
 * What limits the number of threads of a process: pthread_create fails with EAGAIN at the first of them
 * (clone(2), pids(7) of cgroups, /proc/sys/kernel and vm). Nothing is stopped.
 */
#ifndef THREADLEAK_PROC_THREAD_LIMITS_H
#define THREADLEAK_PROC_THREAD_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "proc/status.h"

struct thread_limit {
    const char *name; /* "RLIMIT_NPROC", "pids.max", "threads-max", "pid_max", "max_map_count" */
    uint64_t value;
    int64_t used;        /* < 0: unknown */
    unsigned per_thread; /* what one more thread takes: 1 task; 2 mappings, for a stack and its guard */
};
enum { THREAD_LIMITS = 5 };

/* Those of the whole system. Read it once for many processes. */
struct system_limits {
    uint64_t threads_max, pid_max, max_map_count; /* 0: unknown */
    int64_t tasks;                                /* of the system; < 0: unknown */
};
void system_limits_read(struct system_limits *limits);

struct limited_process {
    pid_t pid;
    const struct task_status *status;
    int64_t user_tasks; /* threads of all processes of its user; < 0: unknown */
    int64_t mappings;   /* lines of its maps; < 0: unknown */
};

/* Sets those that are known and that apply, and returns their number. Of several cgroups it is the one that
 * is nearest to its limit. */
size_t thread_limits_read(struct thread_limit limits[THREAD_LIMITS], const struct limited_process *process,
                          const struct system_limits *system);

#endif
