/* The limits that a process with more and more threads comes to. Nothing is stopped. */
#ifndef THREADLEAK_PROC_LIMITS_H
#define THREADLEAK_PROC_LIMITS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 *     RLIMIT_NPROC    threads of the user, if it counts for the process (getrlimit(2))
 *     pids.max        threads of the control group, or of a group above it (the nearest one)
 *     threads-max     threads of the machine (proc_sys_kernel(5))
 *     pid_max         the same against the highest pid
 *     max_map_count   mappings of the process: one for a stack, and one for its guard
 *     memory.max      bytes of the control group; what one thread takes is not known here
 */
struct thread_limit {
    const char *name;
    uint64_t used, most;
    unsigned per_thread; /* what one more thread takes of it; 0: unknown */
};

enum { THREAD_LIMITS = 6 };

/* Reads those that are finite and readable. Returns their number. It reads all of /proc/PID/maps, and the
 * status of every process for RLIMIT_NPROC: do not call it each second. */
size_t thread_limits_read(pid_t pid, struct thread_limit limits[THREAD_LIMITS]);

/* Anonymous memory that is resident, bytes; 0: unknown. */
uint64_t process_resident(pid_t pid);

#endif
