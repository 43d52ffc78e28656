/* The report without the threadleak program: frames as module+0xoffset, for addr2line. It is for programs
 * that cannot start threadleak: it is not installed, or they are in a chroot or sandbox. Async-signal-safe.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_RAW_REPORT_H
#define THREADLEAK_PRELOAD_EXIT_RAW_REPORT_H

#include "preload/ledger/leak.h"

/* Lists the leaks in a scope. */
void raw_report_write(struct shim_state *state, const struct leak_scope *scope);

#endif
