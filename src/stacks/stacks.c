#include "stacks/stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/search.h"
#include "proc/idle.h"
#include "stacks/names.h"
#include "stacks/from_signals.h"
#include "snapshot/snapshot.h"
#include "unwind/unwind.h"

const char *stack_source_name(enum stack_source source)
{
    static const char *const names[] = {"none", "ptrace", "signal", "core"};
    return names[source];
}

/* ---- stacks ------------------------------------------------------------------------- */

bool shared_stack_add(struct shared_stack *stack, const struct frame_list *list)
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
    return module && strcmp(path_basename(module), "libthreadleak.so") == 0;
}

static bool fill_stack(struct shared_stack *stack, const struct stack *found, struct symbolizer *symbolizer)
{
    for (size_t i = 0; i < found->count; i++)
        if (!is_of_shim(found->frames[i].module) &&
            !shared_stack_add(stack, symbolize(symbolizer, &found->frames[i])))
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

static bool fill_thread(struct stacks *current, const struct snapshot_thread *thread,
                        enum stack_source source, const struct stack *stack,
                        const struct stacks_options *options)
{
    struct thread_stack *to = &current->threads[current->count++];
    *to = (struct thread_stack){.tid = thread->tid, .handle = thread->thread_pointer, .idle_s = -1};
    if (!stack) {
        const char *why = snapshot_state_text(thread->state);
        return !why || (to->why_none = strdup(why));
    }
    struct shared_stack *shared_stack = &current->stacks[stack->id];
    if (!shared_stack->frames && !fill_stack(shared_stack, stack, options->symbolizer))
        return false;
    to->source = source;
    to->stack = shared_stack;
    return true;
}

static bool fill(struct stacks *current, const struct snapshot *snapshot, const struct unwinder *unwinder,
                 enum stack_source source, const struct stacks_options *options)
{
    current->stack_count = unwind_stack_count(unwinder);
    current->stacks = calloc(current->stack_count + 1, sizeof(*current->stacks));
    current->threads = calloc(snapshot->count + 1, sizeof(*current->threads));
    if (!current->stacks || !current->threads)
        return false;
    for (size_t i = 0; i < snapshot->count; i++)
        if (!fill_thread(current, &snapshot->threads[i], source, unwind_thread(unwinder, i), options))
            return false;
    return true;
}

static bool fill_waits(struct stacks *current, const struct snapshot *snapshot,
                       const struct unwinder *unwinder, const struct stacks_options *options,
                       struct error *error)
{
    struct thread_names names;
    if (!thread_names_read(&names, options->ledger, snapshot->pid, snapshot_has_proc(snapshot)))
        return false;
    const struct wait_context context = {
        .snapshot = snapshot,
        .unwinder = unwinder,
        .symbolizer = options->symbolizer,
        .name = thread_names_format,
        .name_arg = &names,
    };
    struct waits *waits = waits_new(&context, error);
    bool done = waits != NULL;
    for (size_t i = 0; done && i < snapshot->count; i++) {
        struct thread_stack *thread = &current->threads[i];
        const struct stack *stack = unwind_thread(unwinder, i);
        /* The one that has this report made waits for it, and for nothing of its own. */
        if (stack && stack->count && is_of_shim(stack->frames[0].module))
            continue;
        done = copy_wait(&thread->wait, wait_of(waits, i));
        thread->owner_id = thread_names_id(&names, thread->wait.owner);
    }
    waits_free(waits);
    thread_names_release(&names);
    return done;
}

struct stacks *stacks_of_snapshot(struct snapshot *snapshot, enum stack_source source,
                                  const struct stacks_options *options, struct error *error)
{
    struct stacks *current = calloc(1, sizeof(*current));
    struct unwinder *unwinder = current ? unwinder_new(snapshot, error) : NULL;
    if (unwinder)
        unwinder_name_vdso(unwinder, options->symbolizer);
    bool done = unwinder && fill(current, snapshot, unwinder, source, options) &&
                fill_waits(current, snapshot, unwinder, options, error);
    unwinder_free(unwinder);
    if (done)
        return current;
    error_set(error, "out of memory");
    stacks_free(current);
    return NULL;
}

/* ---- of a live process -------------------------------------------------------------------- */

struct stacks *stacks_none(const char *note)
{
    struct stacks *current = calloc(1, sizeof(*current));
    if (current && asprintf(&current->note, "none: %s", note) < 0) {
        free(current);
        return NULL;
    }
    return current;
}

struct stacks *stacks_take(pid_t pid, const struct stacks_options *options, struct error *error)
{
    struct snapshot *snapshot;
    struct stacks *current = NULL;
    struct error why = {""};
    struct idle_times idle;
    idle_times_read(&idle, pid);
    enum snapshot_status status = snapshot_take(pid, NULL, &snapshot, &why);
    if (status == SNAPSHOT_OK) {
        current = stacks_of_snapshot(snapshot, STACK_SOURCE_PTRACE, options, error);
        snapshot_free(snapshot);
    }
    for (size_t i = 0; current && i < current->count; i++)
        if (current->threads[i].stack && !current->threads[i].wait.running)
            current->threads[i].idle_s = idle_time_of(&idle, current->threads[i].tid);
    idle_times_release(&idle);
    if (status == SNAPSHOT_OK)
        return current;
    if (status == SNAPSHOT_GONE) {
        *error = why;
        return NULL;
    }
    /* A debugger would stop at the signal that asks the threads. */
    current = options->ledger && status != SNAPSHOT_BUSY ? current_by_itself(pid, &why, options) : NULL;
    if (!current)
        current = stacks_none(why.text);
    if (!current)
        error_set(error, "out of memory");
    return current;
}

const struct thread_stack *stacks_find(const struct stacks *current, pid_t tid)
{
    size_t count = current ? current->count : 0;
    size_t at = SEARCH_FIRST(i, count, current->threads[i].tid >= tid);
    return at < count && current->threads[at].tid == tid ? &current->threads[at] : NULL;
}

const struct thread_stack *stacks_find_handle(const struct stacks *current, uint64_t handle)
{
    for (size_t i = 0; current && handle && i < current->count; i++)
        if (current->threads[i].handle == handle)
            return &current->threads[i];
    return NULL;
}

void stacks_free(struct stacks *current)
{
    if (!current)
        return;
    for (size_t i = 0; i < current->count; i++) {
        free(current->threads[i].why_none);
        free(current->threads[i].wait.symbol);
        free(current->threads[i].wait.text);
        free(current->threads[i].wait.what);
        free(current->threads[i].wait.mutex_symbol);
    }
    for (size_t i = 0; i < current->stack_count; i++) {
        free(current->stacks[i].frames);
        free(current->stacks[i].incomplete);
    }
    free(current->threads);
    free(current->stacks);
    free(current->note);
    stacks_free_kept(current->kept);
    free(current);
}
