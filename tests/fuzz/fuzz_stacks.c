/* Any bytes as a file with the current stacks of a process, which a watched process can replace. */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "stacks/stacks.h"

static uint64_t walk_frames(const struct thread_stack *thread)
{
    const struct shared_stack *stack = thread->stack;
    uint64_t sum = 0;
    for (size_t i = 0; stack && i < stack->count; i++) {
        const struct frame *frame = &stack->frames[i];
        sum += frame->pc + (frame->function ? strlen(frame->function) : 0) +
               (frame->file ? strlen(frame->file) : 0);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/stacks", fuzz_directory("stacks", data, size));
    struct stacks *stacks = stacks_load(path);
    volatile uint64_t sum = 0;
    for (size_t i = 0; stacks && i < stacks->count; i++) {
        const struct thread_stack *thread = &stacks->threads[i];
        sum += walk_frames(thread) + strlen(thread->wait.text ? thread->wait.text : "");
        sum += stacks_find(stacks, thread->tid) != NULL;
    }
    stacks_free(stacks);
    (void)sum;
    return 0;
}
