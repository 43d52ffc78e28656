#include "wait/inside.h"

#include <string.h>
#include <sys/syscall.h>

#include "base/path.h"
#include "base/text.h"
#include "wait/describe.h"
#include "wait/libc_name.h"

enum {
    MAX_NEAR = 12,   /* frames around a wait, outside of libc, in which its caller is searched */
    MAX_ROOT = 6,    /* outermost frames in which a start routine is searched */
    MAX_STACK = 4096 /* words of a stack that are searched for an address */
};

static bool is_libc(const char *module)
{
    return path_is_libc(module);
}

static size_t index_of(const struct view *view)
{
    return (size_t)(view->thread - view->waits->context.snapshot->threads);
}

static const struct stack *stack_at(const struct view *view, size_t index)
{
    return unwind_thread(view->waits->context.unwinder, index);
}

/* The functions of a frame, those that are inlined first. */
static const struct frame_list *functions_at(const struct view *view, const struct stack *stack, size_t frame)
{
    return symbolize(view->waits->context.symbolizer, &stack->frames[frame]);
}

static struct stack_function named(const struct stack *stack, size_t frame, const char *name)
{
    const struct code_address *address = &stack->frames[frame];
    bool is_entry = is_libc(address->module) && frame > 0 && !is_libc(address[-1].module) &&
                    frame + 1 < stack->count && !is_libc(address[1].module);
    return (struct stack_function){name ? name : "", address->module, is_entry};
}

static struct stack_function function_at(const struct view *view, const struct stack *stack, size_t frame)
{
    const struct frame_list *list = functions_at(view, stack, frame);
    return named(stack, frame, list->frames[list->count - 1].function);
}

/* The number of frames of libc around the system call. */
static size_t count_libc(const struct stack *stack)
{
    size_t i = 0;
    while (i < stack->count && is_libc(stack->frames[i].module))
        i++;
    return i;
}

/* The frame of __cxa_guard_acquire; 0: the thread is not in it. */
static size_t guard_frame(const struct view *view, const struct stack *stack)
{
    size_t first = count_libc(stack);
    for (size_t i = first; i < stack->count && i < first + 2; i++)
        if (strcmp(bare_name(function_at(view, stack, i).name), "cxa_guard_acquire") == 0)
            return i;
    return 0;
}

bool inside_guarded(const struct view *view, struct stack_function *function)
{
    const struct stack *stack = stack_at(view, index_of(view));
    size_t guard = stack ? guard_frame(view, stack) : 0;
    if (!guard || guard + 1 >= stack->count)
        return false;
    *function = named(stack, guard + 1, functions_at(view, stack, guard + 1)->frames[0].function);
    return *function->name && function->module;
}

/* A function that was called last by an initialisation, and waits, is beside that frame of libc. */
static size_t count_own_wait(const struct view *view, const struct inside *inside, const struct stack *stack)
{
    size_t i = 0;
    while (i < stack->count && is_libc(stack->frames[i].module)) {
        const struct stack_function function = function_at(view, stack, i++);
        if (inside->counts(inside->arg, &function))
            return i;
        if (!text_begins_with(bare_name(function.name), "futex"))
            return 0;
    }
    return 0;
}

/* The frames of the call in which a thread waits, with that of the initialised object's function. */
static size_t count_waiting(const struct view *view, size_t index, const struct stack *stack)
{
    size_t guard;
    if (view->waits->context.snapshot->threads[index].syscall_nr != SYS_futex)
        return 0;
    guard = guard_frame(view, stack);
    return guard ? guard + 2 : count_libc(stack);
}

/* ---- one thread --------------------------------------------------------------------- */

static bool has_word(const struct snapshot_thread *thread, uint64_t word)
{
    const struct snapshot_copy *copy = &thread->stack;
    size_t words = copy->size / sizeof(word) < MAX_STACK ? copy->size / sizeof(word) : MAX_STACK;
    for (size_t i = 0; i < words; i++)
        if (memcmp(copy->bytes + i * sizeof(word), &word, sizeof(word)) == 0)
            return true;
    return false;
}

static bool waits_for(const struct view *view, size_t index)
{
    const struct snapshot_thread *thread = &view->waits->context.snapshot->threads[index];
    return thread->syscall_nr == SYS_futex && thread->syscall_args[0] == view->wait->address;
}

static bool is_innermost(const struct view *view, const struct inside *inside, size_t index)
{
    const struct stack *stack = stack_at(view, index);
    size_t count = stack && inside->innermost && !waits_for(view, index) ? count_libc(stack) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct stack_function function = function_at(view, stack, i);
        if (inside->innermost(NULL, &function))
            return true;
        if (!inside->passes(NULL, &function))
            return false;
    }
    return false;
}

static bool is_inside(const struct view *view, const struct inside *inside, size_t index)
{
    const struct stack *stack = stack_at(view, index);
    if (!stack ||
        (inside->has_word && !has_word(&view->waits->context.snapshot->threads[index], view->wait->address)))
        return false;
    size_t first = inside->has_word && view->waits->context.snapshot->threads[index].syscall_nr == SYS_futex
                       ? count_own_wait(view, inside, stack)
                       : count_waiting(view, index, stack);
    for (size_t i = first; i < stack->count; i++) {
        const struct frame_list *list = functions_at(view, stack, i);
        for (size_t j = 0; j < list->count; j++) {
            const struct stack_function function = named(stack, i, list->frames[j].function);
            if (inside->counts(inside->arg, &function))
                return true;
        }
    }
    return false;
}

/* A running thread may be in a function that is not on its stack yet, or any more. */
static bool is_known(const struct view *view, size_t index)
{
    const struct snapshot_thread *thread = &view->waits->context.snapshot->threads[index];
    const struct stack *stack = stack_at(view, index);
    return thread->state == SNAPSHOT_KERNEL ||
           (thread->state == SNAPSHOT_STOPPED && thread->syscall_nr >= 0 && stack && !stack->incomplete);
}

/* ---- all of them ---------------------------------------------------------------------- */

/* The result does not depend on which thread waits, and a thousand may wait for one object. */
static pid_t find(const struct view *view, const struct inside *inside, bool innermost, bool *certain)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    struct inside_result *result = &view->waits->inside;
    if (result->address != view->wait->address || result->innermost != innermost) {
        size_t count = 0;
        *result = (struct inside_result){view->wait->address, innermost, 0, snapshot->complete};
        for (size_t i = 0; i < snapshot->count; i++) {
            result->certain &= is_known(view, i);
            if (!is_innermost(view, inside, i) && (innermost || !is_inside(view, inside, i)))
                continue;
            result->tid = snapshot->threads[i].tid;
            count++;
        }
        if (count != 1)
            result->tid = 0;
    }
    *certain = result->certain;
    return result->tid;
}

pid_t inside_find(const struct view *view, const struct inside *inside, bool *certain)
{
    return find(view, inside, false, certain);
}

pid_t inside_find_innermost(const struct view *view, const struct inside *inside, bool *certain)
{
    return find(view, inside, true, certain);
}

const char *inside_libc(const struct view *view, inside_fn *counts, const void *arg)
{
    const struct stack *stack = stack_at(view, index_of(view));
    const char *found = NULL;
    for (size_t i = 0; stack && i < stack->count && is_libc(stack->frames[i].module); i++) {
        const struct stack_function function = function_at(view, stack, i);
        if (counts ? counts(arg, &function) : *function.name != 0)
            found = function.name;
    }
    return found;
}

void inside_each_caller(const struct view *view, inside_sees_fn *sees, void *arg)
{
    const struct stack *stack = stack_at(view, index_of(view));
    size_t first = stack ? count_libc(stack) : 0;
    for (size_t i = first; stack && i < stack->count && i < first + MAX_NEAR; i++) {
        const struct frame_list *list = functions_at(view, stack, i);
        for (size_t j = 0; j < list->count; j++) {
            const struct stack_function function = named(stack, i, list->frames[j].function);
            if (!sees(arg, &function))
                return;
        }
    }
}

bool inside_waits_in(const struct view *view, const char *beginning)
{
    const struct stack *stack = stack_at(view, index_of(view));
    size_t first = stack ? count_libc(stack) : 0;
    for (size_t i = first; stack && i < stack->count && i < first + MAX_NEAR; i++)
        if (text_begins_with(function_at(view, stack, i).name, beginning))
            return true;
    return false;
}

/* Distributions remove the names of functions that a library does not export. */
static bool is_in_library(const struct inside_root *root, const struct stack_function *function)
{
    const char *file = function->module ? path_basename(function->module) : "";
    return !*function->name &&
           (text_begins_with(file, root->libraries[0]) || text_begins_with(file, root->libraries[1]));
}

static bool has_root(const struct view *view, size_t index, const struct inside_root *root)
{
    const struct stack *stack = stack_at(view, index);
    size_t first = stack && stack->count > MAX_ROOT ? stack->count - MAX_ROOT : 0, outermost = SIZE_MAX;
    for (size_t i = first; stack && i < stack->count; i++) {
        if (text_begins_with(function_at(view, stack, i).name, root->function))
            return true;
        outermost = is_libc(stack->frames[i].module) ? outermost : i;
    }
    const struct stack_function function =
        outermost < SIZE_MAX ? function_at(view, stack, outermost) : (struct stack_function){"", NULL, false};
    return is_in_library(root, &function);
}

pid_t inside_only_root(const struct view *view, const struct inside_root *root)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    pid_t found = 0;
    for (size_t i = 0; i < snapshot->count; i++) {
        if (!has_root(view, i, root))
            continue;
        if (found)
            return 0;
        found = snapshot->threads[i].tid;
    }
    return found;
}
