/* Present stacks where ptrace is refused: what a watched process's threads took of
 * themselves (self_capture.h). */
#ifndef THREADLEAK_STACKS_FROM_SIGNALS_H
#define THREADLEAK_STACKS_FROM_SIGNALS_H

#include "stacks/stacks.h"

/* refused: why ptrace was, for the note.  NULL: that way is not open either, or
 * out of memory; `refused` then says both. */
struct present *present_by_itself(pid_t pid, struct error *refused, const struct present_options *options);

/* present.c: the frames at one more address. */
bool present_stack_add(struct present_stack *stack, const struct frame_list *list);

#endif
