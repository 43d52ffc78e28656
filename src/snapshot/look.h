/*
 * One look at a process, from its stop to its going on: what is copied between are registers,
 * stacks, and the objects that threads wait for.  For the tracing thread alone.
 */
#ifndef THREADLEAK_SNAPSHOT_LOOK_H
#define THREADLEAK_SNAPSHOT_LOOK_H

#include "snapshot/snapshot.h"
#include "snapshot/stop.h"

/* ptrace belongs to a thread, and its end lets go what could not be let go otherwise. */
struct job {
    struct snapshot *snapshot;
    const struct snapshot_options *options;
    const struct snapshot_want *wants; /* NULL: all threads */
    size_t want_count;
    struct stop stop;
    bool ok;
    int why; /* errno */
};

/* Stops all threads, copies what all need, and lets them go on.  Sets ok and why. */
void snapshot_look_at_all(struct job *job);
/* The same of those that more is wanted of, in place of their first copies.  What fails
 * leaves those as they are. */
void snapshot_look_again(struct job *job);

#endif
