/* Current stacks from a snapshot: unwound, symbolised, with what each thread waits for. */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/progress.h"
#include "snapshot/snapshot.h"
#include "stacks/kept.h"
#include "stacks/names.h"
#include "stacks/passed.h"
#include "stacks/stacks.h"
#include "stacks/wakes.h"
#include "unwind/unwind.h"

/* Hooks of the shim are between the program and the function that it called. */
static bool is_of_shim(const char *module)
{
    return module && strcmp(path_basename(module), "libthreadleak.so") == 0;
}

/* Counts the innermost frames that belong to a signal handler of the shim. The kernel's code that the handler
 * returns to is one of them: no instruction called it. */
static size_t count_handler_frames(const struct stack *found)
{
    size_t i = 0;
    while (i < found->count && is_of_shim(found->frames[i].module))
        i++;
    bool in_handler = i > 0 && i + 1 < found->count && !found->frames[i].is_return_address &&
                      !found->frames[i + 1].is_return_address;
    return in_handler ? i + 1 : 0;
}

static bool fill_stack(struct shared_stack *stack, const struct stack *found, struct symbolizer *symbolizer)
{
    for (size_t i = count_handler_frames(found); i < found->count; i++)
        if (!is_of_shim(found->frames[i].module) &&
            !frames_append(&stack->frames, &stack->count, symbolize(symbolizer, &found->frames[i])))
            return false;
    stack_mark_start_up(stack->frames, stack->count);
    stack->stray = found->stray;
    return !found->incomplete || (stack->incomplete = strdup(found->incomplete));
}

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

static bool fill_thread(struct stacks *stacks, const struct snapshot *snapshot, size_t index,
                        enum stack_source source, const struct stack *stack,
                        const struct stacks_options *options)
{
    const struct snapshot_thread *thread = &snapshot->threads[index];
    struct thread_stack *to = &stacks->threads[stacks->count++];
    *to = (struct thread_stack){.tid = thread->tid, .handle = thread->thread_pointer, .idle_s = -1};
    if (!stack) {
        const char *why = snapshot_state_text(thread->state);
        return !why || (to->why_none = strdup(why));
    }
    struct shared_stack *shared = &stacks->shared[stack->id];
    /* One without any frame says why. */
    if (!shared->frames && !shared->incomplete && !fill_stack(shared, stack, options->symbolizer))
        return false;
    to->source = source;
    to->later = thread->later;
    to->stack = shared;
    return true;
}

static bool fill(struct stacks *stacks, const struct snapshot *snapshot, const struct unwinder *unwinder,
                 enum stack_source source, const struct stacks_options *options)
{
    size_t notifiers = wakes_are_recorded(options->ledger) ? snapshot->count : 0;
    stacks->shared_count = unwind_stack_count(unwinder);
    stacks->shared = calloc(stacks->shared_count + notifiers + 1, sizeof(*stacks->shared));
    stacks->threads = calloc(snapshot->count + 1, sizeof(*stacks->threads));
    if (!stacks->shared || !stacks->threads)
        return false;
    for (size_t i = 0; i < snapshot->count; i++)
        if (!fill_thread(stacks, snapshot, i, source, unwind_thread(unwinder, i), options))
            return false;
    return true;
}

/* Room for these stacks is there: fill(). */
static bool fill_notified(struct stacks *stacks, size_t index, struct wakes_reader *reader,
                          struct symbolizer *symbolizer)
{
    const struct stack *stack = NULL;
    struct thread_stack *thread = &stacks->threads[index];
    if (!wakes_find(reader, index, &thread->wait, &thread->notified, &stack))
        return false;
    if (!stack)
        return true;
    struct shared_stack *shared = &stacks->shared[stack->id];
    stacks->shared_count = unwind_stack_count(reader->unwinder);
    thread->notified.stack = shared;
    return shared->frames || fill_stack(shared, stack, symbolizer);
}

static bool fill_reach(struct stacks *stacks, const struct kept_namer *namer,
                       struct reach_collector *collector, pid_t ending)
{
    const struct snapshot *snapshot = namer->snapshot;
    struct reach_thread_result *results = calloc(snapshot->count + 1, sizeof(*results));
    if (!results)
        return false;
    kept_set_end(stacks, snapshot, namer->unwinder, collector, ending);
    progress("searching for references to what %zu threads wait for", snapshot->count);
    reach_judge(collector, snapshot, namer->waits, results, &stacks->reach);
    reach_confirm(collector, snapshot, results, &stacks->reach);
    for (size_t i = 0; i < snapshot->count; i++)
        stacks->threads[i].reach = results[i];
    free(results);
    return kept_fill(stacks, namer, collector);
}

/* Only of the main thread the tid in the parent is known. */
static void set_fork(struct wait_context *context, const struct ledger *ledger)
{
    const struct ledger_header *header = ledger ? ledger_get_header(ledger) : NULL;
    if (!header)
        return;
    context->fork = header->flags & LEDGER_FORKED ? WAIT_FORK_SEEN : WAIT_FORK_NONE;
    if (context->fork == WAIT_FORK_SEEN && header->fork.by == LEDGER_MAIN_SERIAL)
        context->forked_by = header->fork.pid;
}

static bool fill_waits(struct stacks *stacks, const struct snapshot *snapshot, struct unwinder *unwinder,
                       const struct live_facts *facts, const struct stacks_options *options,
                       struct error *error)
{
    struct thread_names names;
    if (!thread_names_read(&names, options->ledger, snapshot->pid, snapshot_has_proc(snapshot))) {
        wait_files_free(facts->files);
        return false;
    }
    struct wait_context context = {
        .snapshot = snapshot,
        .unwinder = unwinder,
        .symbolizer = options->symbolizer,
        .name = thread_names_format,
        .name_arg = &names,
        .files = facts->files,
        .tasks = &stacks->tasks,
        .moment_ns = facts->moment_ns,
    };
    set_fork(&context, options->ledger);
    struct waits *waits = waits_new(&context, error);
    struct wakes_reader wakes = {
        .snapshot = snapshot, .unwinder = unwinder, .ledger = options->ledger, .threads = &names.index};
    bool done = waits != NULL;
    for (size_t i = 0; done && i < snapshot->count; i++) {
        struct thread_stack *thread = &stacks->threads[i];
        const struct stack *stack = unwind_thread(unwinder, i);
        /* The thread that requested this report waits for it. */
        if (stack && stack->count && is_of_shim(stack->frames[0].module))
            continue;
        done = copy_wait(&thread->wait, wait_of(waits, i)) &&
               fill_notified(stacks, i, &wakes, options->symbolizer);
        thread->owner_id = thread_names_id(&names, thread->wait.owner);
    }
    const struct kept_namer namer = {snapshot, unwinder, options->symbolizer, waits, &names};
    if (done && facts->reach)
        done = fill_reach(stacks, &namer, facts->reach, options->park.at ? options->park.except : 0);
    waits_free(waits);
    thread_names_release(&names);
    return done;
}

/* The tasks become exactly the threads of the snapshot: one may have begun or ended since they were read. */
static bool match_tasks(struct stacks *stacks, pid_t pid)
{
    struct task *tasks = calloc(stacks->count + 1, sizeof(*tasks));
    if (!tasks)
        return false;
    for (size_t i = 0; i < stacks->count; i++) {
        const struct task *task = task_list_find(&stacks->tasks, stacks->threads[i].tid);
        if (task)
            tasks[i] = *task;
        else if (!task_read(pid, stacks->threads[i].tid, &tasks[i]))
            tasks[i] = (struct task){.tid = stacks->threads[i].tid, .cpu_s = -1, .idle_s = -1};
    }
    free(stacks->tasks.tasks);
    stacks->tasks = (struct task_list){tasks, stacks->count};
    return true;
}

static void fill_idle(struct stacks *stacks)
{
    for (size_t i = 0; i < stacks->count; i++) {
        const struct task *task = task_list_find(&stacks->tasks, stacks->threads[i].tid);
        if (task && stacks->threads[i].stack && !stacks->threads[i].wait.running)
            stacks->threads[i].idle_s = task->idle_s;
    }
}

static struct stacks *make(struct snapshot *snapshot, enum stack_source source, struct live_facts *facts,
                           const struct stacks_options *options, struct error *error)
{
    struct stacks *stacks = calloc(1, sizeof(*stacks));
    struct unwinder *unwinder = stacks ? unwinder_new(snapshot, error) : NULL;
    if (stacks) {
        stacks->tasks = facts->tasks;
        stacks->moment_ns = facts->moment_ns;
        facts->tasks = (struct task_list){NULL, 0};
    }
    if (unwinder)
        unwinder_name_vdso(unwinder, options->symbolizer);
    bool done = unwinder && fill(stacks, snapshot, unwinder, source, options) &&
                (!stacks->tasks.count || match_tasks(stacks, snapshot->pid));
    if (done)
        done = fill_waits(stacks, snapshot, unwinder, facts, options, error) &&
               passed_fill(stacks, snapshot, unwinder, options);
    else
        wait_files_free(facts->files);
    task_list_release(&facts->tasks);
    reach_collector_free(facts->reach);
    unwinder_free(unwinder);
    if (done) {
        fill_idle(stacks);
        return stacks;
    }
    error_set(error, "out of memory");
    stacks_free(stacks);
    return NULL;
}

struct stacks *stacks_from_live(struct snapshot *snapshot, struct live_facts *facts,
                                const struct stacks_options *options, struct error *error)
{
    return make(snapshot, STACK_SOURCE_PTRACE, facts, options, error);
}

struct stacks *stacks_from_snapshot(struct snapshot *snapshot, enum stack_source source,
                                    const struct stacks_options *options, struct error *error)
{
    struct live_facts facts = {.files = NULL};
    if (source == STACK_SOURCE_CORE && options->reach != REACH_NOTHING)
        facts.reach = reach_collector_new(0, options->reach, 0);
    if (facts.reach)
        reach_collect_core(facts.reach, snapshot);
    return make(snapshot, source, &facts, options, error);
}
