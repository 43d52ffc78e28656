#include "wait/wait.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "wait/files.h"
#include "wait/glibc.h"
#include "wait/internal.h"
#include "wait/time.h"

const char *wait_on_name(enum wait_on on)
{
    static const char *const names[] = {NULL,     "mutex", "rwlock", "condvar", "semaphore", "barrier",
                                        "join",   "futex", "pipe",   "socket",  "poll",      "epoll",
                                        "signal", "sleep", "file",   "other"};
    return on < sizeof(names) / sizeof(names[0]) ? names[on] : NULL;
}

/* ---- for the parts ---------------------------------------------------------------------- */

bool view_read(const struct view *view, uint64_t address, void *to, size_t size)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    return snapshot_read_memory(snapshot, view->thread, address, to, size) ||
           snapshot_read_live(snapshot, address, to, size);
}

static void thread_title(const struct waits *waits, pid_t tid, char *to, size_t size)
{
    *to = 0;
    if (!waits->context.name || !waits->context.name(waits->context.name_arg, tid, to, size))
        snprintf(to, size, "tid %d", (int)tid);
}

void view_add_thread(const struct view *view, pid_t tid)
{
    char title[256];
    thread_title(view->waits, tid, title, sizeof(title));
    line_add(view->line, "%s", tid == view->thread->tid ? "this thread itself" : title);
}

bool view_add_object(const struct view *view, uint64_t address, char **symbol)
{
    const struct object_name *name = object_name(view->waits->names, address);
    char title[256];
    *symbol = NULL;
    if (!name)
        return false;
    if (name->place == PLACE_SYMBOL || name->place == PLACE_MODULE) {
        line_add(view->line, "%s", name->text);
        *symbol = strdup(name->text);
        return *symbol != NULL;
    }
    line_add(view->line, "0x%" PRIx64, address);
    if (name->place == PLACE_UNKNOWN)
        return true;
    if (name->place != PLACE_STACK) {
        line_add(view->line, name->place == PLACE_HEAP ? " on the heap" : " in anonymous memory");
        *symbol = strdup(name->text);
        return *symbol != NULL;
    }
    thread_title(view->waits, name->owner, title, sizeof(title));
    if (name->owner == view->thread->tid)
        line_add(view->line, " on its own stack");
    else
        line_add(view->line, " on the stack of %s", title);
    return asprintf(symbol, "stack of %s", title) >= 0;
}

/* ---- sleeps, signals, children -------------------------------------------------------------- */

static void wait_for_sleep(const struct view *view, double whole_s)
{
    view->wait->on = WAIT_SLEEP;
    line_add(view->line, "sleep");
    if (whole_s < 0)
        return;
    line_add(view->line, " of ");
    line_add_seconds(view->line, whole_s);
}

static void add_signals(const struct view *view, uint64_t set)
{
    const char *between = "";
    for (int number = 1; number <= 64; number++) {
        if (!(set >> (number - 1) & 1))
            continue;
        const char *name = number < SIGRTMIN ? sigabbrev_np(number) : NULL;
        if (name)
            line_add(view->line, "%sSIG%s", between, name);
        else
            line_add(view->line, "%ssignal %d", between, number);
        between = ", ";
    }
}

static void wait_for_signal(const struct view *view, double whole_s)
{
    uint64_t set;
    view->wait->on = WAIT_SIGNAL;
    line_add(view->line, "signal wait");
    if (view->call.verb)
        line_add(view->line, " for %s", view->call.verb);
    else if (view_read(view, view->thread->syscall_args[0], &set, sizeof(set))) {
        line_add(view->line, set == UINT64_MAX ? " for every signal" : set ? " for " : " for none");
        if (set != UINT64_MAX)
            add_signals(view, set);
    }
    wait_add_timeout(view, true, whole_s);
}

static void wait_for_child(const struct view *view)
{
    const uint64_t *args = view->thread->syscall_args;
    bool is_waitid = view->thread->syscall_nr == SYS_waitid;
    /* waitid(2): P_PID is 1, P_ALL 0; wait4(2): > 0 a pid, -1 any. */
    int pid = (int)args[is_waitid];
    char title[64];
    view->wait->on = WAIT_OTHER;
    if (is_waitid ? args[0] == 1 : pid > 0) {
        snprintf(title, sizeof(title), "%d", pid);
        if (view->waits->has_proc)
            process_title(pid, title, sizeof(title));
        line_add(view->line, "end of child process %s", title);
    } else
        line_add(view->line, "end of a%s child process", (is_waitid ? args[0] == 0 : pid == -1) ? "ny" : "");
}

static void wait_for_other(const struct view *view)
{
    const char *name = view->call.verb;
    view->wait->on = WAIT_OTHER;
    if (name)
        line_add(view->line, "%s", name);
    else
        line_add(view->line, "system call %ld", view->thread->syscall_nr);
}

static bool wait_for_simple(const struct view *view)
{
    double whole_s = -1;
    wait_set_timeout(view, &whole_s);
    switch (view->call.kind) {
    case CALL_SLEEP:
        wait_for_sleep(view, whole_s);
        return true;
    case CALL_SIGNAL:
        wait_for_signal(view, whole_s);
        return true;
    case CALL_CHILD:
        wait_for_child(view);
        return true;
    case CALL_SEMOP:
        view->wait->on = WAIT_SEMAPHORE;
        line_add(view->line, "System V semaphore set %d", (int)view->thread->syscall_args[0]);
        break;
    default:
        wait_for_other(view);
    }
    wait_add_timeout(view, view->call.kind == CALL_SEMOP, whole_s);
    return true;
}

/* ---- one thread ------------------------------------------------------------------------------- */

static bool wait_by_call(const struct view *view)
{
    switch (view->call.kind) {
    case CALL_FUTEX:
        return wait_for_futex(view);
    case CALL_FILE:
    case CALL_OPEN:
        return wait_for_file(view);
    case CALL_POLL:
    case CALL_SELECT:
    case CALL_EPOLL:
        return wait_for_poll(view);
    default:
        return wait_for_simple(view);
    }
}

static const struct stack_facts *stack_of(struct waits *waits, size_t index)
{
    static const struct stack_facts unknown;
    const struct stack *stack = unwind_thread(waits->context.unwinder, index);
    if (!stack || stack->id >= waits->stack_count)
        return &unknown;
    struct stack_facts *facts = &waits->stacks[stack->id];
    const struct stack_reader reader = {waits->context.snapshot, &waits->modules, waits->context.symbolizer};
    if (!facts->known)
        stack_facts_set(facts, &reader, stack);
    return facts;
}

/* False: out of memory. */
/* The one that a condition variable's wait gave back, and takes again. */
static bool add_mutex(const struct view *view)
{
    line_add(view->line, " (mutex ");
    if (!view_add_object(view, view->wait->mutex, &view->wait->mutex_symbol))
        return false;
    line_add(view->line, ")");
    return true;
}

static bool explain(struct waits *waits, size_t index)
{
    const struct snapshot_thread *thread = &waits->context.snapshot->threads[index];
    struct wait *wait = &waits->items[index];
    struct line line = {.length = 0};
    struct view view = {waits, thread, stack_of(waits, index), wait_call_of(thread), wait, &line};
    wait->left_s = -1;
    wait->fd = -1;
    if (thread->state != SNAPSHOT_STOPPED)
        return true;
    wait->in_destructor = view.stack->destructor != NULL;
    wait->running = thread->syscall_nr < 0;
    if (wait->running)
        line_add(&line, "running");
    else if (!wait_by_call(&view))
        return false;
    if (wait->in_destructor)
        line_add(&line, ", in %s", view.stack->destructor);
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
        const struct wait_call call = wait_call_of(thread);
        if (thread->state == SNAPSHOT_STOPPED && thread->syscall_nr >= 0 && call.kind == CALL_FILE &&
            !files_want(waits->files, (int)thread->syscall_args[call.arg]))
            return false;
    }
    files_scan(waits->files);
    return true;
}

static bool is_halted(pid_t task)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)task);
    FILE *file = fopen(path, "re");
    size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    text[size] = 0;
    const char *state = strrchr(text, ')');
    return state && strncmp(state, ") T", 3) == 0;
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
    waits->files = files_new(snapshot->pid, task);
    if (!waits->items || !waits->stacks || !waits->names || !waits->files)
        return false;
    waits->glibc_known = glibc_is_known(snapshot, waits->context.glibc);
    waits->has_proc = snapshot_has_proc(snapshot);
    waits->same_clocks = waits->has_proc && wait_clocks_are_same(task);
    waits->is_halted = waits->has_proc && is_halted(task);
    if (!want_files(waits))
        return false;
    for (size_t i = 0; i < snapshot->count; i++)
        if (!explain(waits, i))
            return false;
    return true;
}

struct waits *waits_new(const struct wait_context *context, struct error *error)
{
    struct waits *waits = calloc(1, sizeof(*waits));
    if (waits) {
        waits->context = *context;
        if (explain_all(waits))
            return waits;
    }
    waits_free(waits);
    error_set(error, "what process %d waits for cannot be told: out of memory", (int)context->snapshot->pid);
    return NULL;
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
    free(waits->items);
    free(waits->stacks);
    object_names_free(waits->names);
    modules_release(&waits->modules);
    files_free(waits->files);
    free(waits);
}

const struct wait *wait_of(const struct waits *waits, size_t index)
{
    static const struct wait nothing = {.left_s = -1, .fd = -1};
    return index < waits->context.snapshot->count ? &waits->items[index] : &nothing;
}
