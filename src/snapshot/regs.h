/* Registers of a stopped thread or of a core's, and what system call it was blocked in. */
#ifndef THREADLEAK_SNAPSHOT_REGS_H
#define THREADLEAK_SNAPSHOT_REGS_H

#include "snapshot/snapshot.h"

/* Fills in regs, pc, sp, syscall_*; sets the state.  Only for the tracer of a
 * thread that is stopped.  by_us: no SIGSTOP holds it, so that a system call that
 * would fail because of our stop alone is told to start again. */
void snapshot_read_regs(struct snapshot_thread *thread, bool by_us);
/* The same from a core's NT_PRSTATUS (elf_gregset_t); the thread counts as stopped. */
void snapshot_set_regs(struct snapshot_thread *thread, const void *regs);
/* A call that had been interrupted before is restart_syscall(2) by now: finds out
 * which one it was, from the instructions before it. */
void snapshot_resolve_restarted(const struct snapshot *snapshot, struct snapshot_thread *thread);
/* No call is left where the instruction before the pc is known not to make one. */
void snapshot_check_syscall(const struct snapshot *snapshot, struct snapshot_thread *thread);

#endif
