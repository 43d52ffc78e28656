/* Who traces a thread (ptrace), and what is done about two of us on one process. */
#ifndef THREADLEAK_PROC_TRACER_H
#define THREADLEAK_PROC_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A number from a line "KEY: NUMBER" of /proc/PID/status; -1: not there. */
long status_number(pid_t pid, const char *key);

/* The tracer's name, "gdb"; "?" when it is not to be had. */
void tracer_name(long tracer, char *name, size_t size);
/* Another threadleak: it lets go soon. */
bool tracer_is_ours(long tracer);

/*
 * Only one of us looks at a process at a time, or each would get half of its threads.
 * Waits for the others, no longer than `ms`; whoever does not get its turn goes on
 * without.  A descriptor to close; -1: none.
 */
int tracer_take_turn(pid_t pid, unsigned ms);

#endif
