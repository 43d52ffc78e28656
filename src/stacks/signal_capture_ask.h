/*
 * Asking a process's threads for their stacks: each is looked at in /proc first, and
 * sent the signal only where that does no harm (signal_capture.h says when it does).
 *
 * signal_capture_thread.reason says how far it is with each, ASKED and BLOCKED_NOW among
 * the reasons until no more answers are waited for.
 */
#ifndef THREADLEAK_STACKS_SIGNAL_CAPTURE_ASK_H
#define THREADLEAK_STACKS_SIGNAL_CAPTURE_ASK_H

#include "proc/address_space.h"
#include "stacks/signal_capture_threads.h"

/* For the time between: asked, no answer yet. */
#define ASKED SIGNAL_CAPTURE_SILENT
/* It blocks the signal but is not at rest: within a handler perhaps, or creating
 * a thread.  It is looked at again, for a quarter of the time. */
#define BLOCKED_NOW (SIGNAL_CAPTURE_SILENT + 1)

struct asking {
    pid_t pid;
    struct signal_capture *capture;
    uint32_t generation; /* of the request; goes round */
    uint64_t deadline_ns, again_ns;
    struct tracked_list tracked;
    struct address_space space; /* as the asking began; may be empty */
};

/* Sets the reason of all threads, or, again, of those that blocked the signal; those
 * that are gone are left out.  0, or why no thread can be asked at all: EPERM, ENOSYS. */
int ask_all(const struct asking *asking, bool again);

#endif
