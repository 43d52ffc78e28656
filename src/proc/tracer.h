/* The tracer of a process (ptrace), and turns of several threadleaks on one process. */
#ifndef THREADLEAK_PROC_TRACER_H
#define THREADLEAK_PROC_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* kernel.yama.ptrace_scope, 0 to 3 (Documentation/admin-guide/LSM/Yama.rst); 0 also without Yama. */
long tracer_scope(void);

/* The tracer's name, "gdb"; "?" when it is unknown. */
void tracer_name(pid_t tracer, char *name, size_t size);
/* Is it another threadleak, which detaches soon? */
bool tracer_is_ours(pid_t tracer);

/*
 * Begins a turn. Without turns each threadleak would get half of the threads. Waits at most `ms` for the
 * others; after that the caller continues in any case. Returns a descriptor: close it to end the turn. -1:
 * none.
 */
int tracer_take_turn(pid_t pid, unsigned ms);

#endif
