/* Frames at a code address of a ledger, and which frames are start-up code. */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "stacks/stacks.h"

bool frames_append(struct frame **frames, size_t *count, const struct frame_list *list)
{
    struct frame *grown = realloc(*frames, (*count + list->count) * sizeof(*grown));
    if (!grown)
        return false;
    *frames = grown;
    memcpy(grown + *count, list->frames, list->count * sizeof(*grown));
    *count += list->count;
    return true;
}

struct code_address stack_address(const struct ledger *ledger, ledger_pc pc, bool is_return_address)
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
    return address;
}

const struct frame_list *stack_frames(const struct ledger *ledger, struct symbolizer *symbolizer,
                                      ledger_pc pc, bool is_return_address)
{
    const struct code_address address = stack_address(ledger, pc, is_return_address);
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

bool stack_is_of_system(const char *module)
{
    const char *name = module ? path_basename(module) : "";
    return strcmp(name, "libthreadleak.so") == 0 || path_is_libc(module) ||
           text_begins_with(name, "ld-linux");
}

bool stack_is_start_up(const struct frame *frame)
{
    return frame->function && text_begins_with(frame->function, "__libc_start_");
}

/* The C function main() of a Rust program, or of gtest_main, without source: it calls the user's code. */
static bool is_main_of_framework(const struct frame *main, const struct frame *called)
{
    static const char *const starters[] = {"std::rt::lang_start", "testing::UnitTest::Run("};
    if (!main->function || strcmp(main->function, "main") != 0 || main->file || !called->function)
        return false;
    for (size_t i = 0; i < sizeof(starters) / sizeof(*starters); i++)
        if (text_begins_with(called->function, starters[i]))
            return true;
    return false;
}

void stack_mark_start_up(struct frame *frames, size_t count)
{
    bool below = false;
    for (size_t i = 0; i < count; i++) {
        struct frame *frame = &frames[i];
        below |= stack_is_start_up(frame);
        frame->framework |= !frame->runtime && i > 0 && is_main_of_framework(frame, frame - 1);
        frame->runtime |= below || frame->framework;
    }
}
