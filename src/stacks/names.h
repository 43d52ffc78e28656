/* Names of threads in a report: T-number and name, by tid. */
#ifndef THREADLEAK_STACKS_NAMES_H
#define THREADLEAK_STACKS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "ledger/ledger.h"

struct thread_names {
    struct thread_index index;
    pid_t pid;      /* of the main thread; 0: not watched */
    pid_t live_pid; /* process whose /proc/PID/task has the names; 0: none */
};

/* ledger: NULL for a process that is not watched. live: /proc/PID is this process. For a core it may be
 * another process by now. False: out of memory. */
bool thread_names_read(struct thread_names *names, const struct ledger *ledger, pid_t pid, bool live);
void thread_names_release(struct thread_names *names);
/* A wait_name_fn: "T5 \"flusher\"". */
bool thread_names_format(void *names, pid_t tid, char *to, size_t size);
uint64_t thread_names_id(const struct thread_names *names, pid_t tid); /* 0: none */

#endif
