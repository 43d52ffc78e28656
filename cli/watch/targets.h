/* Which processes `threadleak watch` watches now. */
#ifndef THREADLEAK_CLI_WATCH_TARGETS_H
#define THREADLEAK_CLI_WATCH_TARGETS_H

#include "cli/watch/watched.h"

struct watch_targets {
    struct watched *items;
    size_t count;
    unsigned scans;
};

/* Adds the PIDs of the command line. False: error has the first one that does not exist. */
bool watch_targets_add_pids(struct watch_targets *targets, const struct watch_options *options,
                            struct error *error);
/* Adds new processes of --name and --exe: each time while there is none, else sometimes. */
void watch_targets_find(struct watch_targets *targets, const struct watch_options *options);
/* Removes those that have ended. */
void watch_targets_forget_ended(struct watch_targets *targets);
void watch_targets_release(struct watch_targets *targets);

#endif
