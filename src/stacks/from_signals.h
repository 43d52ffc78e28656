/* Current stacks where ptrace is refused: what a watched process's threads took of
 * themselves (signal_capture.h). */
#ifndef THREADLEAK_STACKS_FROM_SIGNALS_H
#define THREADLEAK_STACKS_FROM_SIGNALS_H

#include "stacks/stacks.h"

/* refused: why ptrace was, for the note.  NULL: that way is not open either, or
 * out of memory; `refused` then says both. */
struct stacks *current_by_itself(pid_t pid, struct error *refused, const struct stacks_options *options);

/* present.c: the frames at one more address. */
bool shared_stack_add(struct shared_stack *stack, const struct frame_list *list);

#endif
