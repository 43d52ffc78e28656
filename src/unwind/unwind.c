#include "unwind/unwind.h"

#include <stdlib.h>
#include <string.h>

#include "unwind/step.h"

#define VDSO "[vdso]"

enum {
    MAX_VDSO = 1 << 20, /* bytes */
    MAX_FRAMES = 1 << 17,
    MAX_FRAMES_OF_ALL = 1 << 23, /* threads together: what a hostile process may cost */
    MAX_STOPS = 3,               /* after the first one, for deeper copies */
};

/* Frames of the thread in hand. */
struct trace {
    uint64_t *pcs;
    bool *are_returns;
    size_t count, room;
    const char *incomplete;
    uint64_t missing; /* 0: nothing that another stop could give */
};

struct unwinder {
    struct snapshot *snapshot;
    struct code code;
    struct trace trace;
    size_t frames; /* of all threads so far */
    void *vdso;    /* as it was found in memory, while the process was there; NULL: not in any stack */
    size_t vdso_size;
    const struct stack **of_threads; /* NULL: not stopped */
    struct stack **stacks;           /* a hash table, by frames */
    size_t stack_count, room;
};

/* ---- one thread ---------------------------------------------------------------- */

static bool trace_add(struct trace *trace, uint64_t pc)
{
    if (trace->count == trace->room) {
        size_t room = trace->room ? 2 * trace->room : 128;
        uint64_t *pcs = realloc(trace->pcs, room * sizeof(*pcs));
        if (pcs)
            trace->pcs = pcs;
        bool *are_returns = realloc(trace->are_returns, room * sizeof(*are_returns));
        if (are_returns)
            trace->are_returns = are_returns;
        if (!pcs || !are_returns)
            return false;
        trace->room = room;
    }
    trace->pcs[trace->count++] = pc;
    return true;
}

static void trace_thread(struct unwinder *unwinder, const struct snapshot_thread *thread)
{
    struct trace *trace = &unwinder->trace;
    struct cursor cursor;
    enum step step = STEP_CALLER;
    trace->count = 0;
    trace->incomplete = NULL;
    trace->missing = 0;
    cursor_init(&cursor, &unwinder->code, thread);
    while (step == STEP_CALLER) {
        if (trace->count == MAX_FRAMES || unwinder->frames++ >= MAX_FRAMES_OF_ALL ||
            !trace_add(trace, cursor.regs[SNAPSHOT_REG_PC])) {
            trace->incomplete = "too many frames";
            return;
        }
        step = cursor_step(&cursor, &trace->are_returns[trace->count - 1]);
    }
    if (step == STEP_LAST)
        trace->incomplete = cursor.doubt;
    if (step == STEP_LOST)
        trace->incomplete = cursor.why;
    if (step == STEP_MISSING) {
        trace->incomplete = "the stack is deeper than what was copied";
        trace->missing = cursor.missing;
    }
}

/* ---- equal stacks ------------------------------------------------------------------ */

static void keep_vdso(struct unwinder *unwinder, uint64_t pc)
{
    const struct region *region = address_space_find(&unwinder->snapshot->space, pc);
    if (unwinder->vdso || !region || region->end - region->start > MAX_VDSO)
        return;
    unwinder->vdso_size = region->end - region->start;
    unwinder->vdso = malloc(unwinder->vdso_size);
    if (unwinder->vdso &&
        snapshot_read_live(unwinder->snapshot, region->start, unwinder->vdso, unwinder->vdso_size))
        return;
    free(unwinder->vdso);
    unwinder->vdso = NULL;
}

static struct code_address make_address(struct unwinder *unwinder, uint64_t pc, bool is_return)
{
    struct code_address address = {.offset = pc, .pc = pc, .is_return_address = is_return};
    const struct code_file *file = code_find_file(&unwinder->code, pc - is_return);
    if (file && file->path) {
        address.module = file->path;
        address.build_id = file->build_id_len ? file->build_id : NULL;
        address.build_id_len = file->build_id_len;
        address.offset = pc - file->bias;
        if (strcmp(file->path, VDSO) == 0)
            keep_vdso(unwinder, pc);
        address.is_unproven = !file->build_id_len && (!file->elf || file->memory);
    }
    return address;
}

static struct stack *make_stack(struct unwinder *unwinder)
{
    const struct trace *trace = &unwinder->trace;
    struct stack *stack = malloc(sizeof(*stack));
    struct code_address *frames = malloc((trace->count + 1) * sizeof(*frames));
    if (!stack || !frames) {
        free(stack);
        free(frames);
        return NULL;
    }
    *stack = (struct stack){(uint32_t)unwinder->stack_count, frames, trace->count, trace->incomplete};
    for (size_t i = 0; i < trace->count; i++)
        frames[i] = make_address(unwinder, trace->pcs[i], trace->are_returns[i]);
    return stack;
}

static uint64_t hash_pcs(uint64_t hash, uint64_t pc)
{
    hash = (hash ^ pc) * 0x9e3779b97f4a7c15ull;
    return hash ^ (hash >> 29);
}

static uint64_t hash_trace(const struct trace *trace)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < trace->count; i++)
        hash = hash_pcs(hash, trace->pcs[i]);
    return hash;
}

static uint64_t hash_stack(const struct stack *stack)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < stack->count; i++)
        hash = hash_pcs(hash, stack->frames[i].pc);
    return hash;
}

static bool is_equal(const struct stack *stack, const struct trace *trace)
{
    if (stack->count != trace->count || stack->incomplete != trace->incomplete)
        return false;
    for (size_t i = 0; i < trace->count; i++)
        if (stack->frames[i].pc != trace->pcs[i] ||
            stack->frames[i].is_return_address != trace->are_returns[i])
            return false;
    return true;
}

static bool make_room(struct unwinder *unwinder)
{
    if (2 * (unwinder->stack_count + 1) < unwinder->room)
        return true;
    size_t room = unwinder->room ? 2 * unwinder->room : 256;
    struct stack **stacks = calloc(room, sizeof(struct stack *));
    if (!stacks)
        return false;
    for (size_t i = 0; i < unwinder->room; i++) {
        if (!unwinder->stacks[i])
            continue;
        size_t at = hash_stack(unwinder->stacks[i]) & (room - 1);
        while (stacks[at])
            at = (at + 1) & (room - 1);
        stacks[at] = unwinder->stacks[i];
    }
    free(unwinder->stacks);
    unwinder->stacks = stacks;
    unwinder->room = room;
    return true;
}

static const struct stack *keep_stack(struct unwinder *unwinder)
{
    if (!make_room(unwinder))
        return NULL;
    size_t at = hash_trace(&unwinder->trace) & (unwinder->room - 1);
    for (; unwinder->stacks[at]; at = (at + 1) & (unwinder->room - 1))
        if (is_equal(unwinder->stacks[at], &unwinder->trace))
            return unwinder->stacks[at];
    unwinder->stacks[at] = make_stack(unwinder);
    unwinder->stack_count += unwinder->stacks[at] != NULL;
    return unwinder->stacks[at];
}

/* ---- all threads ---------------------------------------------------------------------- */

static bool unwind_one(struct unwinder *unwinder, size_t index, struct snapshot_want *want)
{
    want->address = 0;
    if (unwinder->snapshot->threads[index].state != SNAPSHOT_STOPPED)
        return true;
    trace_thread(unwinder, &unwinder->snapshot->threads[index]);
    *want = (struct snapshot_want){index, unwinder->trace.missing};
    unwinder->of_threads[index] = keep_stack(unwinder);
    return unwinder->of_threads[index] != NULL;
}

static bool unwind_all(struct unwinder *unwinder)
{
    struct snapshot *snapshot = unwinder->snapshot;
    struct snapshot_want *wants = malloc((snapshot->count + 1) * sizeof(*wants));
    bool ok = wants != NULL;
    size_t wanted = 0;
    for (size_t i = 0; ok && i < snapshot->count; i++) {
        ok = unwind_one(unwinder, i, &wants[wanted]);
        wanted += wants[wanted].address != 0;
    }
    for (int stops = 0; ok && wanted && stops < MAX_STOPS; stops++) {
        size_t count = wanted;
        snapshot_deepen(snapshot, wants, count);
        wanted = 0;
        for (size_t i = 0; ok && i < count; i++) {
            ok = unwind_one(unwinder, wants[i].thread, &wants[wanted]);
            wanted += wants[wanted].address != 0;
        }
    }
    free(wants);
    return ok;
}

struct unwinder *unwinder_new(struct snapshot *snapshot, struct error *error)
{
    struct unwinder *unwinder = calloc(1, sizeof(*unwinder));
    bool ok = unwinder && code_init(&unwinder->code, snapshot);
    if (ok) {
        unwinder->snapshot = snapshot;
        unwinder->of_threads = calloc(snapshot->count + 1, sizeof(const struct stack *));
        ok = unwinder->of_threads && unwind_all(unwinder);
    }
    if (ok)
        return unwinder;
    unwinder_free(unwinder);
    error_set(error, "the threads of process %d cannot be unwound: out of memory", (int)snapshot->pid);
    return NULL;
}

void unwinder_free(struct unwinder *unwinder)
{
    if (!unwinder)
        return;
    for (size_t i = 0; i < unwinder->room; i++)
        if (unwinder->stacks[i]) {
            free(unwinder->stacks[i]->frames);
            free(unwinder->stacks[i]);
        }
    if (unwinder->code.snapshot)
        code_release(&unwinder->code);
    free(unwinder->trace.pcs);
    free(unwinder->trace.are_returns);
    free(unwinder->vdso);
    free(unwinder->of_threads);
    free(unwinder->stacks);
    free(unwinder);
}

const struct stack *unwind_thread(const struct unwinder *unwinder, size_t index)
{
    return index < unwinder->snapshot->count ? unwinder->of_threads[index] : NULL;
}

size_t unwind_stack_count(const struct unwinder *unwinder)
{
    return unwinder->stack_count;
}

void unwinder_name_vdso(const struct unwinder *unwinder, struct symbolizer *symbolizer)
{
    if (unwinder->vdso)
        symbolizer_add_image(symbolizer, VDSO, unwinder->vdso, unwinder->vdso_size);
}
