/* Which threads a snapshot stops, by their system calls: calls.def. */
#ifndef THREADLEAK_SNAPSHOT_CALL_H
#define THREADLEAK_SNAPSHOT_CALL_H

#include "proc/call.h"

/* May a thread in this call be stopped? */
bool call_can_be_stopped(const struct task_call *call);
/* Can a call that failed with EINTR because of the stop be started again? */
bool call_can_be_reissued(long nr, const uint64_t args[6]);

#endif
