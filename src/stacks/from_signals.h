/* Current stacks by signals (signal_capture.h), where ptrace is refused. */
#ifndef THREADLEAK_STACKS_FROM_SIGNALS_H
#define THREADLEAK_STACKS_FROM_SIGNALS_H

#include "stacks/stacks.h"

/* refused: why ptrace was, for the note.  NULL: signals are not possible either, or out of memory; `refused`
 * then gives both reasons. */
struct stacks *stacks_from_signals(pid_t pid, struct error *refused, const struct stacks_options *options);

#endif
