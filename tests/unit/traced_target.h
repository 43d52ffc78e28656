/* A target that the test traces, instruction by instruction. */
#ifndef TRACED_TARGET_H
#define TRACED_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>

/* The target, or a thread of it. */
extern pid_t traced;

/* Starts it: it is stopped before its first instruction. */
void traced_start(const char *target);
/* Starts unwind_steps: it is stopped at its first breakpoint. */
void traced_start_steps(void);
/* Returns when it stops for the next signal; false: it has ended. */
bool traced_go(enum __ptrace_request how);
bool traced_is_breakpoint(uint64_t pc);

bool ends_with(const char *text, const char *end);

#endif
