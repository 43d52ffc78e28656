#include "stacks/stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc/idle.h"
#include "stacks/names.h"
#include "stacks/from_signals.h"
#include "snapshot/snapshot.h"
#include "unwind/unwind.h"

const char *present_source_name(enum present_source source)
{
    static const char *const names[] = {"none", "ptrace", "signal", "core"};
    return names[source];
}

/* ---- stacks ------------------------------------------------------------------------- */

bool present_stack_add(struct present_stack *stack, const struct frame_list *list)
{
    struct frame *grown = realloc(stack->frames, (stack->count + list->count) * sizeof(*grown));
    if (!grown)
        return false;
    stack->frames = grown;
    memcpy(grown + stack->count, list->frames, list->count * sizeof(*grown));
    stack->count += list->count;
    return true;
}

/* Our hooks stand between the program and what it called. */
static bool is_of_shim(const char *module)
{
    const char *slash = module ? strrchr(module, '/') : NULL;
    return slash && strcmp(slash + 1, "libthreadleak.so") == 0;
}

static bool fill_stack(struct present_stack *stack, const struct stack *found, struct symbolizer *symbolizer)
{
    for (size_t i = 0; i < found->count; i++)
        if (!is_of_shim(found->frames[i].module) &&
            !present_stack_add(stack, symbolize(symbolizer, &found->frames[i])))
            return false;
    stack_mark_start_up(stack->frames, stack->count);
    return !found->incomplete || (stack->incomplete = strdup(found->incomplete));
}

/* ---- of a snapshot --------------------------------------------------------------------- */

static bool copy_wait(struct wait *to, const struct wait *from)
{
    *to = *from;
    to->symbol = from->symbol ? strdup(from->symbol) : NULL;
    to->text = from->text ? strdup(from->text) : NULL;
    to->what = from->what ? strdup(from->what) : NULL;
    to->mutex_symbol = from->mutex_symbol ? strdup(from->mutex_symbol) : NULL;
    return (to->symbol || !from->symbol) && (to->text || !from->text) && (to->what || !from->what) &&
           (to->mutex_symbol || !from->mutex_symbol);
}

static bool fill_thread(struct present *present, const struct snapshot_thread *thread,
                        enum present_source source, const struct stack *stack,
                        const struct present_options *options)
{
    struct present_thread *to = &present->threads[present->count++];
    *to = (struct present_thread){.tid = thread->tid, .handle = thread->thread_pointer, .idle_s = -1};
    if (!stack) {
        const char *why = snapshot_state_text(thread->state);
        return !why || (to->why_none = strdup(why));
    }
    struct present_stack *present_stack = &present->stacks[stack->id];
    if (!present_stack->frames && !fill_stack(present_stack, stack, options->symbolizer))
        return false;
    to->source = source;
    to->stack = present_stack;
    return true;
}

static bool fill(struct present *present, const struct snapshot *snapshot, const struct unwinder *unwinder,
                 enum present_source source, const struct present_options *options)
{
    present->stack_count = unwind_stack_count(unwinder);
    present->stacks = calloc(present->stack_count + 1, sizeof(*present->stacks));
    present->threads = calloc(snapshot->count + 1, sizeof(*present->threads));
    if (!present->stacks || !present->threads)
        return false;
    for (size_t i = 0; i < snapshot->count; i++)
        if (!fill_thread(present, &snapshot->threads[i], source, unwind_thread(unwinder, i), options))
            return false;
    return true;
}

static bool fill_waits(struct present *present, const struct snapshot *snapshot,
                       const struct unwinder *unwinder, const struct present_options *options,
                       struct error *error)
{
    struct present_names names;
    if (!present_names_read(&names, options->ledger, snapshot->pid, !snapshot->core))
        return false;
    const struct wait_context context = {
        .snapshot = snapshot,
        .unwinder = unwinder,
        .symbolizer = options->symbolizer,
        .name = present_names_say,
        .name_arg = &names,
    };
    struct waits *waits = waits_new(&context, error);
    bool done = waits != NULL;
    for (size_t i = 0; done && i < snapshot->count; i++) {
        struct present_thread *thread = &present->threads[i];
        const struct stack *stack = unwind_thread(unwinder, i);
        /* The one that has this report made waits for it, and for nothing of its own. */
        if (stack && stack->count && is_of_shim(stack->frames[0].module))
            continue;
        done = copy_wait(&thread->wait, wait_of(waits, i));
        thread->owner_id = present_names_id(&names, thread->wait.owner);
    }
    waits_free(waits);
    present_names_release(&names);
    return done;
}

struct present *present_of_snapshot(struct snapshot *snapshot, enum present_source source,
                                    const struct present_options *options, struct error *error)
{
    struct present *present = calloc(1, sizeof(*present));
    struct unwinder *unwinder = present ? unwinder_new(snapshot, error) : NULL;
    if (unwinder)
        unwinder_name_vdso(unwinder, options->symbolizer);
    bool done = unwinder && fill(present, snapshot, unwinder, source, options) &&
                fill_waits(present, snapshot, unwinder, options, error);
    unwinder_free(unwinder);
    if (done)
        return present;
    error_set(error, "out of memory");
    present_free(present);
    return NULL;
}

/* ---- of a live process -------------------------------------------------------------------- */

struct present *present_none(const char *note)
{
    struct present *present = calloc(1, sizeof(*present));
    if (present && asprintf(&present->note, "none: %s", note) < 0) {
        free(present);
        return NULL;
    }
    return present;
}

struct present *present_take(pid_t pid, const struct present_options *options, struct error *error)
{
    struct snapshot *snapshot;
    struct present *present = NULL;
    struct error why = {""};
    struct idle_times idle;
    idle_times_read(&idle, pid);
    enum snapshot_status status = snapshot_take(pid, NULL, &snapshot, &why);
    if (status == SNAPSHOT_OK) {
        present = present_of_snapshot(snapshot, PRESENT_PTRACE, options, error);
        snapshot_free(snapshot);
    }
    for (size_t i = 0; present && i < present->count; i++)
        if (present->threads[i].stack && !present->threads[i].wait.running)
            present->threads[i].idle_s = idle_time_of(&idle, present->threads[i].tid);
    idle_times_release(&idle);
    if (status == SNAPSHOT_OK)
        return present;
    if (status == SNAPSHOT_GONE) {
        *error = why;
        return NULL;
    }
    /* A debugger would stop at the signal that asks the threads. */
    present = options->ledger && status != SNAPSHOT_BUSY ? present_by_itself(pid, &why, options) : NULL;
    if (!present)
        present = present_none(why.text);
    if (!present)
        error_set(error, "out of memory");
    return present;
}

const struct present_thread *present_find(const struct present *present, pid_t tid)
{
    size_t low = 0, high = present ? present->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (present->threads[middle].tid == tid)
            return &present->threads[middle];
        if (present->threads[middle].tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct present_thread *present_find_handle(const struct present *present, uint64_t handle)
{
    for (size_t i = 0; present && handle && i < present->count; i++)
        if (present->threads[i].handle == handle)
            return &present->threads[i];
    return NULL;
}

void present_free(struct present *present)
{
    if (!present)
        return;
    for (size_t i = 0; i < present->count; i++) {
        free(present->threads[i].why_none);
        free(present->threads[i].wait.symbol);
        free(present->threads[i].wait.text);
        free(present->threads[i].wait.what);
        free(present->threads[i].wait.mutex_symbol);
    }
    for (size_t i = 0; i < present->stack_count; i++) {
        free(present->stacks[i].frames);
        free(present->stacks[i].incomplete);
    }
    free(present->threads);
    free(present->stacks);
    free(present->note);
    present_free_kept(present->kept);
    free(present);
}
