/*
 * The report that needs nobody: raw frames, as module+0xoffset and the nearest
 * exported symbol, with write(2) alone.  For when `threadleak` can not be
 * started: not installed, chroot, a sandbox.  Async-signal-safe.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_RAW_REPORT_H
#define THREADLEAK_PRELOAD_EXIT_RAW_REPORT_H

#include "preload/ledger/leak.h"

/* Lists the leaks in a scope. */
void raw_report_write(struct shim_state *state, const struct leak_scope *scope);

#endif
