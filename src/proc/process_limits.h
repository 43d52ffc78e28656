/* The limits that a process with more and more threads comes to, and what one more thread takes of each.
 * Nothing is stopped. */
#ifndef THREADLEAK_PROC_PROCESS_LIMITS_H
#define THREADLEAK_PROC_PROCESS_LIMITS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc/thread_limits.h"

/* Those of thread_limits.h, and "memory.max": bytes of the control group, or of the nearest one above it. */
struct process_limit {
    const char *name;
    uint64_t used, most;
    unsigned
        per_thread; /* 1 task; 2 mappings, for a stack and its guard; 0: bytes, which are not known here */
};

enum { PROCESS_LIMITS = THREAD_LIMITS + 1 };

/* Reads those that are finite and known. Returns their number. It reads all of /proc/PID/maps, and the status
 * of every process for RLIMIT_NPROC: do not call it each second. */
size_t process_limits_read(pid_t pid, struct process_limit limits[PROCESS_LIMITS]);

/* Threads of all processes of a user, as RLIMIT_NPROC counts them; < 0: unknown, or the user is root, who has
 * no such limit. It reads the status of every process. */
int64_t threads_of_user(long user);

/* Anonymous memory that is resident, bytes; 0: unknown. */
uint64_t process_resident(pid_t pid);

#endif
