#include "report/group_frames.h"

#include <string.h>

#include "report/source_path.h"

/* The user's outermost function on the current stack. */
static const struct frame *outermost_of(const struct thread_info *thread)
{
    const struct shared_stack *stack = thread->current ? thread->current->stack : NULL;
    return stack && !stack->incomplete ? outermost_user_frame(stack->frames, stack->count) : NULL;
}

const struct frame *run_frame(const struct leak_group *group)
{
    const struct frame *start = group->start_routine;
    if (!start || !start->runtime || !group->user_frame)
        return start;
    const struct frame *found = outermost_of(&group->threads[0]);
    for (size_t i = 1; found && i < group->thread_count; i++) {
        const struct frame *other = outermost_of(&group->threads[i]);
        if (!other || !other->function || !found->function || strcmp(other->function, found->function) != 0)
            found = NULL;
    }
    return found ? found : start->function ? start : NULL;
}

const struct frame *source_frame(const struct leak_group *group)
{
    const struct frame *place = NULL;
    for (size_t i = 0; i < group->stack_count; i++) {
        const struct frame *frame = &group->stack[i];
        if (frame->runtime || !frame->file || frame->line <= 0)
            continue;
        if (is_below_source_root(frame->file))
            return frame;
        place = place ? place : frame;
    }
    return place;
}
