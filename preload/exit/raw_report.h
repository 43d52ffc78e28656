/*
 * The report that needs nobody: raw frames, as module+0xoffset and the nearest
 * exported symbol, with write(2) alone.  For when `threadleak` can not be
 * started: not installed, chroot, a sandbox.  Async-signal-safe.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_RAW_REPORT_H
#define THREADLEAK_PRELOAD_EXIT_RAW_REPORT_H

#include "preload/shim/shim.h"

/* Lists what is left of these kinds (KIND_*). */
void raw_report_write(struct shim_state *state, unsigned kinds);

/* The same of those with a serial above `since`, without `caller`. */
struct raw_scope {
    uint64_t since, caller;
};
void raw_report_write_scope(struct shim_state *state, unsigned kinds, const struct raw_scope *scope);

/* KIND_* of a slot, 0 when it is no leak of any kind, or the program ignores it. */
unsigned slot_kind(const struct shim_state *state, const struct ledger_slot *slot);

#endif
