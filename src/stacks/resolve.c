/* Functions, files and lines of stacks that were saved with symbols only. */
#include <stdlib.h>
#include <string.h>

#include "stacks/stacks.h"

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number of bytes; 0: none, or not hexadecimal. */
static size_t bytes_of_hex(const char *hex, uint8_t *bytes, size_t most)
{
    size_t length = hex ? strlen(hex) / 2 : 0;
    if (length > most)
        return 0;
    for (size_t i = 0; i < length; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return 0;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return length;
}

/* NULL: the file has no more than what was saved. Without build-id and symbol nothing proves that it is the
 * file. */
static const struct frame_list *frames_in_file(const struct frame *frame, struct symbolizer *symbolizer)
{
    uint8_t build_id[32];
    struct code_address address = {
        .module = frame->module,
        .build_id = build_id,
        .build_id_len = bytes_of_hex(frame->build_id, build_id, sizeof(build_id)),
        .offset = frame->offset,
        .pc = frame->pc,
        .is_return_address = frame->is_return_address,
    };
    if (!frame->module || *frame->module != '/' || (!address.build_id_len && !frame->function))
        return NULL;
    const struct frame_list *list = symbolize(symbolizer, &address);
    return list->frames[list->count - 1].function ? list : NULL;
}

static bool resolve_stack(struct shared_stack *stack, struct symbolizer *symbolizer)
{
    struct frame *frames = NULL;
    size_t count = 0;
    for (size_t i = 0; i < stack->count; i++) {
        const struct frame_list saved = {&stack->frames[i], 1};
        const struct frame_list *list = frames_in_file(&stack->frames[i], symbolizer);
        if (frames_append(&frames, &count, list ? list : &saved))
            continue;
        free(frames);
        return false;
    }
    free(stack->frames);
    stack->frames = frames;
    stack->count = count;
    stack_mark_start_up(frames, count);
    return true;
}

bool stacks_resolve(struct stacks *stacks, struct symbolizer *symbolizer)
{
    for (size_t i = 0; stacks->symbols_only && i < stacks->shared_count; i++)
        if (!resolve_stack(&stacks->shared[i], symbolizer))
            return false;
    stacks->symbols_only = false;
    return true;
}
