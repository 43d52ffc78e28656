#include "stacks/passed.h"

#include <stdlib.h>

#include "base/array.h"

struct search {
    struct stacks *stacks;
    const struct snapshot *snapshot;
    struct unwinder *unwinder;
    const struct stacks_options *options;
    struct thread_index threads;
};

const struct passed_variable *stacks_find_passed(const struct stacks *stacks, const struct ledger_slot *slot)
{
    for (size_t i = 0; stacks && i < stacks->passed_count; i++)
        if (stacks->passed[i].argument == slot->arg && stacks->passed[i].created_by == slot->created_by)
            return &stacks->passed[i];
    return NULL;
}

static uint64_t handle_of(const struct thread_index *threads, uint64_t serial)
{
    for (size_t i = 0; i < threads->count; i++)
        if (threads->slots[i].serial == serial)
            return threads->slots[i].handle;
    return 0;
}

/* Index of a thread in the snapshot; its count: none. A core file and the ledger may be from different pid
 * namespaces, so all but the main thread are found by their handle. */
static size_t thread_of(const struct search *search, uint64_t serial)
{
    const struct snapshot *snapshot = search->snapshot;
    uint64_t handle = serial == LEDGER_MAIN_SERIAL ? 0 : handle_of(&search->threads, serial);
    size_t i = 0;
    while (i < snapshot->count &&
           (serial == LEDGER_MAIN_SERIAL ? snapshot->threads[i].tid != snapshot->pid
                                         : !handle || snapshot->threads[i].thread_pointer != handle))
        i++;
    return i;
}

/* The call in that function, on the way to the creation. The variable may be out of scope at the current one.
 */
static ledger_pc call_of(const struct search *search, const struct ledger_slot *slot,
                         const struct code_address *now)
{
    const struct ledger *ledger = search->options->ledger;
    const struct ledger_site *site = ledger_get_site(ledger, slot->site);
    uint32_t count = 0;
    const ledger_pc *frames = site ? ledger_get_frames(ledger, site, &count) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct code_address then = stack_address(ledger, frames[i], true);
        if (symbolize_same_function(search->options->symbolizer, now, &then))
            return frames[i];
    }
    return 0;
}

/* A frame is from its stack pointer up to that of its caller, which is its canonical frame address. */
static bool add(struct search *search, const struct ledger_slot *slot)
{
    struct stacks *stacks = search->stacks;
    size_t index = thread_of(search, slot->created_by);
    const struct stack *stack =
        index < search->snapshot->count ? unwind_thread(search->unwinder, index) : NULL;
    const uint64_t *sps = stack ? unwind_stack_pointers(search->unwinder, index) : NULL;
    size_t at = sps ? unwind_frame_at(stack, sps, slot->arg) : 0;
    bool known = sps && at + 1 < stack->count; /* of the last one the end is not known */
    ledger_pc call = known ? call_of(search, slot, &stack->frames[at]) : 0;
    if (!call || stacks_find_passed(stacks, slot))
        return true;
    if (!ARRAY_GROW(stacks->passed, stacks->passed_count))
        return false;
    stacks->passed[stacks->passed_count++] = (struct passed_variable){
        .argument = slot->arg,
        .created_by = slot->created_by,
        .call = call,
        .place = {(int64_t)(slot->arg - sps[at + 1]), (int64_t)(slot->arg - sps[at])},
    };
    return true;
}

/* ---- frames of the program ---- */

enum { RED_ZONE = 128 }; /* below the stack pointer, which a function may use (psABI of x86-64) */

/* The first frame after those of functions of the program. libc's are the outermost, or the program's _start,
 * which they called. */
static size_t end_of_program(const struct stack *stack)
{
    const struct code_address *frames = stack->frames;
    size_t last = stack->count - 1, end = last;
    if (stack->incomplete)
        return last; /* its end is not known */
    if (!stack_is_of_system(frames[last].module) && last && !stack_is_of_system(frames[last - 1].module))
        return last;
    while (end && stack_is_of_system(frames[end - 1].module))
        end--;
    return end ? end : last; /* 0: the program's functions have returned */
}

static struct stack_range range_of(const struct stack *stack, const uint64_t *sps)
{
    size_t end = end_of_program(stack), start = 0;
    while (start < end && stack_is_of_system(stack->frames[start].module))
        start++;
    return (struct stack_range){sps[start] - (start ? 0 : RED_ZONE), sps[end]};
}

static void set_frames(struct search *search, const struct ledger_slot *slot)
{
    size_t index = thread_of(search, slot->created_by);
    if (index == search->snapshot->count)
        return;
    struct thread_stack *creator = &search->stacks->threads[index];
    const struct snapshot_thread *thread = &search->snapshot->threads[index];
    if (creator->frames.start || !snapshot_is_own_stack(search->snapshot, thread, slot->arg))
        return;
    const struct stack *stack = unwind_thread(search->unwinder, index);
    const uint64_t *sps = stack && stack->count ? unwind_stack_pointers(search->unwinder, index) : NULL;
    struct stack_range range = sps ? range_of(stack, sps) : (struct stack_range){0, 0};
    if (snapshot_is_own_stack(search->snapshot, thread, range.start))
        creator->frames = range;
}

bool passed_fill(struct stacks *stacks, const struct snapshot *snapshot, struct unwinder *unwinder,
                 const struct stacks_options *options)
{
    struct search search = {stacks, snapshot, unwinder, options, {.count = 0}};
    bool done = thread_index_read(&search.threads, options->ledger);
    for (size_t i = 0; done && i < search.threads.count; i++) {
        const struct ledger_slot *slot = &search.threads.slots[i];
        if (slot->state & SLOT_ENDED || !slot->arg || !slot->created_by)
            continue;
        set_frames(&search, slot);
        if (slot->state & SLOT_ARGUMENT_CHANGED)
            done = add(&search, slot);
    }
    thread_index_release(&search.threads);
    return done;
}
