/* The fields of /proc/PID/task/TID/stat (proc_pid_stat(5)). */
#ifndef THREADLEAK_PROC_STAT_H
#define THREADLEAK_PROC_STAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct task_stat {
    char name[16];
    char state; /* R S D T t Z X …; 0: unknown */
    pid_t parent;
    uint64_t cpu_ticks;   /* user + system; sysconf(_SC_CLK_TCK) a second */
    uint64_t start_ticks; /* after boot */
    int processor;        /* that it ran on last */
};

/* Of one task; tid 0: of the main thread, with the CPU time of the whole process.  False: there is none or it
 * is not readable; then all is 0 and `processor` is -1. */
bool task_stat_read(pid_t pid, pid_t tid, struct task_stat *stat);

/* Is it a zombie or gone?  Of a state as above. */
bool task_state_is_end(char state);

#endif
