/* Initialisations that happen once: pthread_once, and local static variables of C++. */
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "wait/describe.h"
#include "wait/inside.h"
#include "wait/libc_name.h"
#include "wait/owner.h"

/* In a stripped libc the function that calls the initialisation has no name. */
static bool is_once(const void *arg, const struct stack_function *function)
{
    const char *name = bare_name(function->name);
    (void)arg;
    return path_is_libc(function->module) &&
           (text_begins_with(name, "pthread_once") || strcmp(name, "call_once") == 0 ||
            (!*name && function->is_entry));
}

static bool add_once(const struct view *view)
{
    view->wait->on = WAIT_OTHER;
    view->wait->address = view->thread->syscall_args[0];
    line_add(view->line, "once-initialisation of ");
    return view_add_object(view);
}

/* The name of the variable, of "guard variable for f()::table". */
static void name_variable(struct wait *wait, struct line *line)
{
    static const char before[] = "guard variable for ";
    char *found = strstr(line->text, before);
    size_t length = strlen(before);
    if (!found || !wait->symbol || !text_begins_with(wait->symbol, before))
        return;
    memmove(found, found + length, strlen(found + length) + 1);
    memmove(wait->symbol, wait->symbol + length, strlen(wait->symbol + length) + 1);
    line->length -= length;
}

static void add_initialiser(const struct view *view, const struct inside *inside)
{
    bool certain;
    pid_t tid = inside_find(view, inside, &certain);
    if (!tid)
        return;
    view->wait->owner_inferred = !certain;
    owner_add_thread(view, "begun", tid);
}

/* Its cleanup handler, on the stack of pthread_once, has the address of the object. */
bool wait_for_once(const struct view *view)
{
    if (!add_once(view))
        return false;
    add_initialiser(view, &(struct inside){.counts = is_once, .has_word = true});
    return true;
}

static bool is_same(const void *arg, const struct stack_function *function)
{
    const struct stack_function *guarded = arg;
    return strcmp(guarded->name, function->name) == 0 && function->module &&
           strcmp(guarded->module, function->module) == 0;
}

/* The thread that initialises a local static variable is in the variable's function. */
bool wait_for_guard(const struct view *view)
{
    struct stack_function function;
    if (!add_once(view))
        return false;
    name_variable(view->wait, view->line);
    if (inside_guarded(view, &function))
        add_initialiser(view, &(struct inside){.counts = is_same, .arg = &function});
    return true;
}
