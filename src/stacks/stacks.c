#include "stacks/stacks.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/search.h"
#include "base/text.h"

const char *stack_source_name(enum stack_source source)
{
    static const char *const names[] = {"none", "ptrace", "signal", "core"};
    return names[source];
}

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

struct stacks *stacks_none(const char *note)
{
    struct stacks *stacks = calloc(1, sizeof(*stacks));
    if (stacks && asprintf(&stacks->note, "none: %s", note) < 0) {
        free(stacks);
        return NULL;
    }
    return stacks;
}

const struct thread_stack *stacks_find(const struct stacks *stacks, pid_t tid)
{
    size_t count = stacks ? stacks->count : 0;
    size_t at = SEARCH_FIRST(i, count, stacks->threads[i].tid >= tid);
    return at < count && stacks->threads[at].tid == tid ? &stacks->threads[at] : NULL;
}

const struct thread_stack *stacks_find_handle(const struct stacks *stacks, uint64_t handle)
{
    for (size_t i = 0; stacks && handle && i < stacks->count; i++)
        if (stacks->threads[i].handle == handle)
            return &stacks->threads[i];
    return NULL;
}

void stacks_free(struct stacks *stacks)
{
    if (!stacks)
        return;
    for (size_t i = 0; i < stacks->count; i++) {
        free(stacks->threads[i].why_none);
        free(stacks->threads[i].wait.symbol);
        free(stacks->threads[i].wait.text);
        free(stacks->threads[i].wait.what);
        free(stacks->threads[i].wait.mutex_symbol);
    }
    for (size_t i = 0; i < stacks->shared_count; i++) {
        free(stacks->shared[i].frames);
        free(stacks->shared[i].incomplete);
    }
    for (size_t i = 0; i < stacks->handle_count; i++)
        free(stacks->handles[i].where);
    free(stacks->handles);
    stacks_free_places(stacks);
    strings_free(stacks->replaced);
    task_list_release(&stacks->tasks);
    reach_summary_release(&stacks->reach);
    free(stacks->threads);
    free(stacks->shared);
    free(stacks->argv);
    free(stacks->note);
    json_decref(stacks->json);
    free(stacks);
}

/* ---- frames of a ledger -------------------------------------------------------------------- */

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
