/*
 * How long ago each thread ran last, as the scheduler has it (/proc/PID/task/TID/sched,
 * se.exec_start; kernels with CONFIG_SCHED_DEBUG).  To be read before a snapshot, whose
 * stop wakes every thread.
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

/* Empty where the kernel does not tell, and of a process with very many threads, for
 * which it would take too long. */
void idle_times_read(struct idle_times *times, pid_t pid);
void idle_times_release(struct idle_times *times);
/* < 0: unknown */
double idle_time_of(const struct idle_times *times, pid_t tid);

#endif
