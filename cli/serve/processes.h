/*
 * The processes that are served: those of the user who runs `serve`, or with --all-users everybody's. The
 * user of a process is its real user ID.
 */
#ifndef THREADLEAK_CLI_SERVE_PROCESSES_H
#define THREADLEAK_CLI_SERVE_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc/status.h"

enum process_access { PROCESS_SERVED, PROCESS_NONE, PROCESS_OF_ANOTHER_USER };

/* A process is known by its pid and its start, because another process can get its pid. */
struct listed_process {
    pid_t pid;
    uint64_t start; /* clock ticks after boot */
    struct task_status status;
    enum process_access access;
};

/* Reads one. The caller reads it again when it has read the rest: it can have got another user. */
enum process_access process_look(pid_t pid, bool all_users, struct listed_process *process);

struct listed_processes {
    struct listed_process *items; /* by ascending pid; those of other users, too */
    size_t count;
};
/* Without this program. Whether they are watched is not known yet. False: out of memory, or no /proc. Release
 * it in both cases. */
bool processes_list(struct listed_processes *list, bool all_users);
void processes_release(struct listed_processes *list);

/* Threads of all processes of a user. */
int64_t processes_tasks_of(const struct listed_processes *list, long user);

#endif
