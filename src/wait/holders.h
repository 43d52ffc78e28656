/* Which processes have a pipe or socket open. */
#ifndef THREADLEAK_WAIT_HOLDERS_H
#define THREADLEAK_WAIT_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A descriptor of a process. */
struct holder {
    const char *link; /* one that was asked for */
    pid_t pid;
    int fd;
    bool reads, writes;
};

struct holders {
    char **wanted; /* links that are asked for, sorted by holders_scan */
    size_t wanted_count;
    struct holder *items; /* by link, those of the process itself first */
    size_t count;
    bool all_seen; /* every process could be read, in time */
};

/* Asks for a link of /proc/PID/fd: "pipe:[4711]".  False: out of memory. */
bool holders_want(struct holders *holders, const char *link);
/* Finds everybody who has one of those.  pid: the process itself; task: a living thread of it.
 * Other processes are read for 100 ms at most. */
void holders_scan(struct holders *holders, pid_t pid, pid_t task);
/* The first holder of a link, or the next one after `after`; NULL: no more. */
const struct holder *holders_next(const struct holders *holders, const char *link,
                                  const struct holder *after);
void holders_release(struct holders *holders);

#endif
