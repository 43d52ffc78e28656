/*
 * Flushes stdio at a judged end, before the shim waits and reports.
 *
 * exit() flushes after its last handler. The shim waits and reports in that handler. After the report a flush
 * would be too late: stopped threads can hold the lock of a stream or of the list of streams. It would also
 * write what they printed during the wait. So the process ends without libc's flush.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_STREAMS_H
#define THREADLEAK_PRELOAD_EXIT_STREAMS_H

#include <stdbool.h>

/* What exit() does: writes buffered output, and sets the position of input files back to what was read. A
 * stream whose lock is held for long is left for streams_flush_rest. */
void streams_flush(void);

/* Other threads are stopped: flushes without locks what streams_flush left. */
void streams_flush_rest(void);

/* SIGPIPE or SIGXFSZ, if such a write would have ended the process; else 0. */
int streams_signal(void);

#endif
