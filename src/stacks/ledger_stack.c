#include "stacks/stacks.h"

#include <string.h>

#include "base/text.h"

const struct frame_list *stack_frames(const struct ledger *ledger, struct symbolizer *symbolizer,
                                      ledger_pc pc, bool is_return_address)
{
    struct code_address address = {.offset = ledger_pc_offset(pc), .is_return_address = is_return_address};
    const struct ledger_module *module = ledger_get_module(ledger, ledger_pc_module(pc));
    if (module) {
        const char *path = ledger_get_string(ledger, module->path);
        address.module = *path ? path : NULL;
        address.build_id = module->build_id;
        address.build_id_len = module->build_id_len;
        address.pc = module->bias + address.offset;
    } else {
        address.pc = address.offset;
    }
    return symbolize(symbolizer, &address);
}

const struct frame *stack_call(const struct ledger *ledger, struct symbolizer *symbolizer, ledger_pc pc)
{
    return pc ? &stack_frames(ledger, symbolizer, pc, true)->frames[0] : NULL;
}

const struct frame *stack_function(const struct ledger *ledger, struct symbolizer *symbolizer, ledger_pc pc)
{
    if (!pc)
        return NULL;
    const struct frame_list *list = stack_frames(ledger, symbolizer, pc, false);
    return &list->frames[list->count - 1];
}

bool stack_is_start_up(const struct frame *frame)
{
    return frame->function && text_begins_with(frame->function, "__libc_start_");
}

void stack_mark_start_up(struct frame *frames, size_t count)
{
    bool below = false;
    for (size_t i = 0; i < count; i++) {
        struct frame *frame = &frames[i];
        below |= stack_is_start_up(frame);
        frame->runtime |= below;
    }
}
