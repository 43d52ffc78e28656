/* Which processes have a pipe or socket open. */
#ifndef THREADLEAK_WAIT_HOLDERS_H
#define THREADLEAK_WAIT_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A descriptor of a process. */
struct holder {
    const char *link; /* one of the requested links */
    pid_t pid;
    int fd;
    bool reads, writes;
};

struct holders {
    char **wanted; /* requested links, sorted by holders_scan */
    size_t wanted_count;
    struct holder *items; /* by link, those of the process itself first */
    size_t count;
    bool all_seen; /* every process was read in time */
};

/* Adds a link of /proc/PID/fd to the request: "pipe:[4711]". False: out of memory. */
bool holders_want(struct holders *holders, const char *link);
/* Finds all processes that have a requested link open. pid: the process itself; task: a living thread of it.
 * Reads other processes for at most 100 ms. */
void holders_scan(struct holders *holders, pid_t pid, pid_t task);
/* The first holder of a link, or the next one after `after`; NULL: no more. */
const struct holder *holders_next(const struct holders *holders, const char *link,
                                  const struct holder *after);
void holders_release(struct holders *holders);

#endif
