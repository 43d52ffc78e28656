/* Registers of a stopped thread or of a thread in a core, and the system call it was blocked in. */
#ifndef THREADLEAK_SNAPSHOT_REGS_H
#define THREADLEAK_SNAPSHOT_REGS_H

#include "snapshot/snapshot.h"

/* Fills in regs, pc, sp, syscall_*, and sets the state. Call it as the tracer of a stopped thread. by_us:
 * only our interrupt stopped it, not SIGSTOP. Then a system call that would fail with EINTR is changed to
 * restart. */
void snapshot_read_regs(struct snapshot_thread *thread, bool by_us);
/* Makes a stopped thread go on at this address. A system call that was interrupted is not restarted. Call it
 * as its tracer. */
bool snapshot_set_pc(pid_t tid, uint64_t address);
/* The same from a core's NT_PRSTATUS (elf_gregset_t); the thread counts as stopped. */
void snapshot_set_regs(struct snapshot_thread *thread, const void *regs);
/* If the thread is in restart_syscall(2) after an earlier interrupt, replaces that by the original call. The
 * instructions before the pc have its number. */
void snapshot_resolve_restarted(const struct snapshot *snapshot, struct snapshot_thread *thread);
/* Clears syscall_nr if the instruction before the pc makes no system call. */
void snapshot_check_syscall(const struct snapshot *snapshot, struct snapshot_thread *thread);

/* Sets the registers that are known of a thread that was left running in a call: pc, sp and those of the
 * arguments. */
void regs_of_call(struct snapshot_thread *thread);
/* The number of the call, from the code before the pc; -1: unknown. */
long regs_call_in_code(const unsigned char code[7]);

#endif
