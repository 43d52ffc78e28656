#include "wait/wait.h"

#include <stdlib.h>
#include <string.h>

#include "proc/clocks.h"
#include "proc/process.h"
#include "proc/status.h"
#include "wait/describe.h"
#include "wait/files.h"
#include "wait/glibc.h"
#include "wait/stack.h"
#include "wait/time.h"
#include "wait/view.h"

/* ---- one thread ------------------------------------------------------------------------------- */

static struct stack_facts *stack_of(struct waits *waits, size_t index)
{
    const struct stack *stack = unwind_thread(waits->context.unwinder, index);
    if (!stack || stack->id >= waits->stack_count)
        return &waits->no_stack;
    struct stack_facts *facts = &waits->stacks[stack->id];
    const struct stack_reader reader = {waits->context.snapshot, &waits->modules, waits->context.symbolizer};
    if (!facts->known)
        stack_facts_set(facts, &reader, stack);
    return facts;
}

/* The mutex that pthread_cond_wait released, and will lock again. */
static bool add_mutex(const struct view *view)
{
    line_add(view->line, " (mutex ");
    if (!view_add_mutex(view))
        return false;
    line_add(view->line, ")");
    return true;
}

static bool describe(struct view *view)
{
    wait_set_timeout(view);
    if (!view->call.describe(view))
        return false;
    wait_add_timeout(view);
    return true;
}

/* False: out of memory. */
static bool describe_thread(struct waits *waits, size_t index)
{
    const struct snapshot_thread *thread = &waits->context.snapshot->threads[index];
    struct stack_facts *stack = stack_of(waits, index);
    struct wait *wait = &waits->items[index];
    struct line line = {.length = 0};
    struct view view = {.waits = waits,
                        .thread = thread,
                        .stack = stack,
                        .user = stack->user,
                        .call = wait_call_of(thread->syscall_nr, thread->syscall_args),
                        .whole_s = -1,
                        .wait = wait,
                        .line = &line};
    wait->left_s = -1;
    wait->fd = -1;
    if (thread->state != SNAPSHOT_STOPPED)
        return true;
    wait->in_destructor = stack->destructor != NULL;
    wait->running = thread->syscall_nr < 0;
    if (wait->running)
        line_add(&line, "running");
    else if (!describe(&view))
        return false;
    if (wait->in_destructor)
        line_add(&line, ", in %s", stack->destructor);
    wait->what = line_copy(&line);
    wait_add_left(&line, wait);
    if (wait->mutex && !add_mutex(&view))
        return false;
    wait->text = line_copy(&line);
    return wait->what && wait->text;
}

/* ---- all threads ---------------------------------------------------------------------------------- */

static bool want_files(struct waits *waits)
{
    const struct snapshot *snapshot = waits->context.snapshot;
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct snapshot_thread *thread = &snapshot->threads[i];
        const struct wait_call call = wait_call_of(thread->syscall_nr, thread->syscall_args);
        if (thread->state == SNAPSHOT_STOPPED && thread->syscall_nr >= 0 && call.fd_arg >= 0 &&
            !files_want(waits->files, (int)thread->syscall_args[call.fd_arg]))
            return false;
    }
    files_scan(waits->files);
    return true;
}

static bool is_halted(pid_t task)
{
    struct task_stat stat;
    return task_stat_read(task, 0, &stat) && stat.state == 'T';
}

static bool explain_all(struct waits *waits)
{
    const struct snapshot *snapshot = waits->context.snapshot;
    pid_t task = snapshot_living_task(snapshot);
    waits->stack_count = unwind_stack_count(waits->context.unwinder);
    waits->items = calloc(snapshot->count + 1, sizeof(*waits->items));
    waits->stacks = calloc(waits->stack_count + 1, sizeof(*waits->stacks));
    waits->names =
        modules_read(&waits->modules, snapshot) ? object_names_new(&waits->context, &waits->modules) : NULL;
    waits->files = waits->context.files ? waits->context.files : files_new(snapshot->pid, task);
    if (!waits->items || !waits->stacks || !waits->names || !waits->files)
        return false;
    waits->glibc_known = glibc_is_known(snapshot, waits->context.glibc);
    waits->has_proc = snapshot_has_proc(snapshot);
    waits->ahead_ns = waits->has_proc ? process_clock_ahead_ns(task) : 0;
    waits->same_clocks = waits->has_proc && process_shares_namespace(task, "time");
    if (waits->has_proc)
        own_tids_read(&waits->own_tids, snapshot->pid);
    waits->is_halted = waits->has_proc && is_halted(task);
    if (!want_files(waits))
        return false;
    for (size_t i = 0; i < snapshot->count; i++)
        if (!describe_thread(waits, i))
            return false;
    return true;
}

struct waits *waits_new(const struct wait_context *context, struct error *error)
{
    struct waits *waits = calloc(1, sizeof(*waits));
    if (!waits)
        wait_files_free(context->files);
    if (waits) {
        waits->context = *context;
        if (explain_all(waits))
            return waits;
    }
    waits_free(waits);
    error_set(error, "the waits of process %d cannot be described: out of memory",
              (int)context->snapshot->pid);
    return NULL;
}

const char *wait_variable(struct waits *waits, uint64_t address)
{
    const struct object_name *name = object_name(waits->names, address);
    return name && (name->place == PLACE_SYMBOL || name->place == PLACE_MODULE) ? name->text : NULL;
}

const char *wait_memory(struct waits *waits, uint64_t address)
{
    const struct object_name *name = object_name(waits->names, address);
    if (name && name->place == PLACE_FILE)
        return name->text;
    return name && name->place == PLACE_HEAP ? "the heap" : "memory of mmap";
}

void waits_free(struct waits *waits)
{
    if (!waits)
        return;
    for (size_t i = 0; waits->items && i < waits->context.snapshot->count; i++) {
        free(waits->items[i].symbol);
        free(waits->items[i].mutex_symbol);
        free(waits->items[i].what);
        free(waits->items[i].text);
    }
    own_tids_release(&waits->own_tids);
    free(waits->items);
    free(waits->stacks);
    object_names_free(waits->names);
    modules_release(&waits->modules);
    files_free(waits->files ? waits->files : waits->context.files);
    free(waits);
}

const struct wait *wait_of(const struct waits *waits, size_t index)
{
    static const struct wait nothing = {.left_s = -1, .fd = -1};
    return index < waits->context.snapshot->count ? &waits->items[index] : &nothing;
}
