#include "unwind/unwind.h"

#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "unwind/stack_set.h"

#define VDSO "[vdso]"

enum {
    MAX_VDSO = 1 << 20,   /* bytes */
    MAX_FRAMES = 1 << 23, /* frames of all threads: bounds the time for a hostile process */
    MAX_STOPS = 3,        /* additional stops for deeper copies */
};

struct unwinder {
    struct snapshot *snapshot;
    struct code code;
    struct trace trace;
    size_t frames_left;
    void *vdso; /* a copy, because the process may end; NULL: no stack needs it */
    size_t vdso_size;
    const struct stack **of_threads; /* NULL: not stopped */
    struct stack_set stacks;
};

/* ---- stacks ------------------------------------------------------------------ */

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
    *stack = (struct stack){(uint32_t)unwinder->stacks.count,
                            frames,
                            trace->count,
                            trace->incomplete,
                            trace->is_cut,
                            trace->stray};
    for (size_t i = 0; i < trace->count; i++)
        frames[i] = make_address(unwinder, trace->pcs[i], trace->are_returns[i]);
    return stack;
}

static const struct stack *keep_stack(struct unwinder *unwinder)
{
    struct stack **place = stack_set_place(&unwinder->stacks, &unwinder->trace);
    if (place && !*place) {
        *place = make_stack(unwinder);
        unwinder->stacks.count += *place != NULL;
    }
    return place ? *place : NULL;
}

/* ---- all threads ---------------------------------------------------------------------- */

static bool unwind_one(struct unwinder *unwinder, size_t index, struct snapshot_want *want)
{
    want->address = 0;
    if (unwinder->snapshot->threads[index].state != SNAPSHOT_STOPPED)
        return true;
    trace_thread(&unwinder->trace, &unwinder->code, &unwinder->snapshot->threads[index],
                 &unwinder->frames_left);
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
    progress("unwinding the stacks of %zu threads", snapshot->count);
    bool ok = unwinder && code_init(&unwinder->code, snapshot);
    if (ok) {
        unwinder->snapshot = snapshot;
        unwinder->frames_left = MAX_FRAMES;
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
    if (unwinder->code.snapshot)
        code_release(&unwinder->code);
    trace_release(&unwinder->trace);
    stack_set_release(&unwinder->stacks);
    free(unwinder->vdso);
    free(unwinder->of_threads);
    free(unwinder);
}

const struct stack *unwind_thread(const struct unwinder *unwinder, size_t index)
{
    return index < unwinder->snapshot->count ? unwinder->of_threads[index] : NULL;
}

const struct stack *unwind_earlier(struct unwinder *unwinder, const struct snapshot_thread *thread)
{
    trace_thread(&unwinder->trace, &unwinder->code, thread, &unwinder->frames_left);
    return keep_stack(unwinder);
}

size_t unwind_frame_at(const struct stack *stack, const uint64_t *sps, uint64_t address)
{
    enum { RED_ZONE = 128 }; /* psABI of x86-64 */
    size_t i = 0;
    if (stack->count && address >= sps[0] - RED_ZONE && address < sps[0])
        return 0;
    while (i + 1 < stack->count && (sps[i] > address || sps[i + 1] <= address))
        i++;
    return i < stack->count && sps[i] <= address ? i : stack->count;
}

const uint64_t *unwind_stack_pointers(struct unwinder *unwinder, size_t index)
{
    const struct stack *stack = unwind_thread(unwinder, index);
    size_t left = MAX_FRAMES;
    if (!stack)
        return NULL;
    trace_thread(&unwinder->trace, &unwinder->code, &unwinder->snapshot->threads[index], &left);
    return unwinder->trace.count == stack->count ? unwinder->trace.sps : NULL;
}

size_t unwind_stack_count(const struct unwinder *unwinder)
{
    return unwinder->stacks.count;
}

void unwinder_name_vdso(const struct unwinder *unwinder, struct symbolizer *symbolizer)
{
    if (unwinder->vdso)
        symbolizer_add_image(symbolizer, VDSO, unwinder->vdso, unwinder->vdso_size);
}
