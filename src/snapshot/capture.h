/*
 * Copies registers, stacks, and the objects that threads wait for, while the process is stopped. Only the
 * tracing thread calls these functions.
 */
#ifndef THREADLEAK_SNAPSHOT_CAPTURE_H
#define THREADLEAK_SNAPSHOT_CAPTURE_H

#include "snapshot/snapshot.h"
#include "snapshot/stop.h"

struct capture {
    struct snapshot *snapshot;
    const struct snapshot_options *options;
    const struct snapshot_want *wants; /* NULL: all threads */
    size_t want_count;
    struct stop stop;
    unsigned paused_ns; /* while threads were stopped */
    bool hold;          /* the stop is not ended; capture_all only */
    bool ok;
    int why; /* errno */
};

/* Stops all threads, copies what every thread needs, and resumes them, unless they are to be held.  Sets ok
 * and why. */
void capture_all(struct capture *capture);
/* Does the same for the wanted threads, and replaces their first copies (capture_again.c). A thread whose
 * second copy fails keeps the first one. */
void capture_again(struct capture *capture);

/*
 * Runs the capture in a new thread, and waits for it (tracing.c). ptrace works only in the thread that
 * attached. Its end releases tracees that cannot be detached otherwise. Returns 0 or an errno.
 */
int tracing_run(struct capture *capture);

#endif
