/* Who traces a process (ptrace), and how several threadleaks take turns on one. */
#ifndef THREADLEAK_PROC_TRACER_H
#define THREADLEAK_PROC_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* kernel.yama.ptrace_scope, 0 to 3: who may trace (Documentation/admin-guide/LSM/Yama.rst); 0: no Yama. */
long tracer_scope(void);

/* The tracer's name, "gdb"; "?" when it is unknown. */
void tracer_name(pid_t tracer, char *name, size_t size);
/* Is it another threadleak?  That detaches soon. */
bool tracer_is_ours(pid_t tracer);

/*
 * Several threadleaks trace a process one after the other, or each would get half of its threads.
 * Waits for the others, `ms` at most; the caller goes on also when that was not enough.
 * A descriptor, which ends the turn when it is closed; -1: none.
 */
int tracer_take_turn(pid_t pid, unsigned ms);

#endif
