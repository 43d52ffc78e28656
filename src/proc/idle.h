/*
 * How long ago each thread last ran: se.exec_start in /proc/PID/task/TID/sched, which kernels with
 * CONFIG_SCHED_DEBUG have. Read it before a snapshot, because the stop wakes every thread.
 */
#ifndef THREADLEAK_PROC_IDLE_H
#define THREADLEAK_PROC_IDLE_H

#include <stddef.h>
#include <sys/types.h>

struct idle_times {
    struct idle_time {
        pid_t tid;
        double seconds;
    } * items; /* by ascending tid */
    size_t count;
};

/* Empty if the kernel does not have it, and for a process with more than 2000 threads, where it would take
 * too long. */
void idle_times_read(struct idle_times *times, pid_t pid);
void idle_times_release(struct idle_times *times);
/* Seconds; < 0: unknown. */
double idle_time_of(const struct idle_times *times, pid_t tid);

#endif
