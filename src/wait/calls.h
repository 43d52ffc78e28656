/* System calls that a thread can be blocked in. */
#ifndef THREADLEAK_WAIT_CALLS_H
#define THREADLEAK_WAIT_CALLS_H

#include "wait/view.h"

/* Of the call that a thread is in, from kinds.def; wait_for_other describes one without a row. */
struct wait_call wait_call_of(const struct snapshot_thread *thread);

#endif
