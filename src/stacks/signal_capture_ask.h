/*
 * Asks the threads of a process for their stacks, and finds their answers. Each thread is checked in /proc
 * first, and gets the signal only if that does no harm (signal_capture.h).
 *
 * Before the last answer, signal_capture_thread.reason may also be ASKED or BLOCKED_NOW.
 */
#ifndef THREADLEAK_STACKS_SIGNAL_CAPTURE_ASK_H
#define THREADLEAK_STACKS_SIGNAL_CAPTURE_ASK_H

#include "proc/address_space.h"
#include "stacks/captured.h"

/* It has not answered yet. */
#define ASKED SIGNAL_CAPTURE_SILENT
/* It blocks the signal but runs: it may be in a handler, or create a thread. It is checked again, for a
 * quarter of the time. */
#define BLOCKED_NOW (SIGNAL_CAPTURE_SILENT + 1)

struct asking {
    pid_t pid;
    struct signal_capture *capture;
    uint32_t generation; /* of the request; wraps around */
    uint64_t deadline_ns, again_ns;
    struct tracked_list tracked;
    struct address_space space; /* read before the first request; may be empty */
};

/* Sets the reason of all threads; `again`: of those that blocked the signal. Removes those that have ended.
 * Returns 0, or why no thread can get a signal: EPERM, ENOSYS. */
int ask_all(const struct asking *asking, bool again);

/* Sets the stacks that capture->ledger has now. Returns how many are still missing. */
size_t match_answers(const struct asking *asking);

/* Sets the reasons of threads without a stack. Call it after the last answer. */
void explain_silence(struct asking *asking);

#endif
