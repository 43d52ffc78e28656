#include "leak_stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void stack_mark_start_up(struct frame *frames, size_t count)
{
    bool below = false;
    for (size_t i = 0; i < count; i++) {
        struct frame *frame = &frames[i];
        below |= frame->function && strncmp(frame->function, "__libc_start_", 13) == 0;
        frame->runtime |= below;
    }
}

bool stack_build(const struct ledger *ledger, struct symbolizer *symbolizer, const ledger_pc *frames,
                 uint32_t count, struct leak_group *group)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct frame_list *list = stack_frames(ledger, symbolizer, frames[i], true);
        struct frame *grown = realloc(group->stack, (group->stack_count + list->count) * sizeof(*grown));
        if (!grown)
            return false;
        group->stack = grown;
        memcpy(grown + group->stack_count, list->frames, list->count * sizeof(*grown));
        group->stack_count += list->count;
    }
    stack_mark_start_up(group->stack, group->stack_count);
    for (size_t i = 0; i < group->stack_count && !group->own; i++)
        if (!group->stack[i].runtime)
            group->own = &group->stack[i];
    return true;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull; /* FNV-1a */
    return (hash ^ 0xff) * 0x100000001b3ull;
}

void stack_fingerprint(struct leak_group *group)
{
    uint64_t hash = hash_text(0xcbf29ce484222325ull, leak_kind_name(group->kind));
    size_t count = group->stack_count;
    while (group->own && group->stack[count - 1].runtime)
        count--;
    for (size_t i = 0; i < count; i++) {
        const struct frame *frame = &group->stack[i];
        const char *slash = frame->module ? strrchr(frame->module, '/') : NULL;
        hash = hash_text(hash, slash ? slash + 1 : frame->module ? frame->module : "");
        if (frame->function) {
            hash = hash_text(hash, frame->function);
            continue;
        }
        char offset[32];
        snprintf(offset, sizeof(offset), "%llx", frame->module ? (unsigned long long)frame->offset : 0ull);
        hash = hash_text(hash, frame->build_id ? frame->build_id : "");
        hash = hash_text(hash, offset);
    }
    snprintf(group->fingerprint, sizeof(group->fingerprint), "%016llx", (unsigned long long)hash);
}
