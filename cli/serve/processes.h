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

enum process_access { PROCESS_SERVED, PROCESS_NONE, PROCESS_OF_ANOTHER_USER };
/* start: of the process, in clock ticks after boot. The caller asks again when it has read the process:
 * another one can have got its pid, or it can have got another user. */
enum process_access process_access(pid_t pid, bool all_users, uint64_t *start);

struct served {
    pid_t *pids; /* ascending */
    size_t count;
};
/* All that may be read, without this program. Whether they are watched is not known yet. False: out of
 * memory, or no /proc. Release it in both cases. */
bool served_list(struct served *served, bool all_users);
void served_release(struct served *served);

#endif
