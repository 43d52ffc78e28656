/*
 * The thread that traces.  ptrace works only from the thread that attached, and that
 * thread's end releases tracees that cannot be released otherwise.
 */
#ifndef THREADLEAK_SNAPSHOT_TRACING_H
#define THREADLEAK_SNAPSHOT_TRACING_H

#include "snapshot/capture.h"

/* Runs the capture in a thread of its own, and waits for it.  Returns 0 or the errno of what failed. */
int tracing_run(struct capture *capture);

#endif
