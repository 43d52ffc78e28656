/*
 * Threads that are inside a function, by their stacks. This finds the owner of a lock or of an initialisation
 * whose object does not store it.
 */
#ifndef THREADLEAK_WAIT_INSIDE_H
#define THREADLEAK_WAIT_INSIDE_H

#include "wait/view.h"

struct stack_function {
    const char *name;   /* demangled; "": not known */
    const char *module; /* path; NULL: not known */
    bool is_entry; /* of libc, between two functions outside of it: the program called it, and it called back
                    */
};
/* Does this function count? */
typedef bool inside_fn(const void *arg, const struct stack_function *function);

struct inside {
    inside_fn *counts;
    const void *arg;
    bool has_word; /* the stack of the thread must also contain the address of the object */
    /* Counts in the innermost call of a thread, too, while that waits for another object, if only functions
     * of libc that `passes` are further in. NULL: none does. `arg` is not for them. */
    inside_fn *innermost, *passes;
};

/*
 * The thread that is inside, if it is exactly one; 0: none, or several. The innermost call of a thread that
 * waits for a futex does not count, but for `innermost`. The thread of the view itself counts if it is inside
 * once more, further out.
 *
 * certain: all other threads are blocked and have a whole stack. Else one that is inside may not have been
 * found.
 */
pid_t inside_find(const struct view *view, const struct inside *inside, bool *certain);

/* The same of threads whose innermost call counts alone. */
pid_t inside_find_innermost(const struct view *view, const struct inside *inside, bool *certain);

/* The function that called __cxa_guard_acquire, in which the thread waits. False: not known. */
bool inside_guarded(const struct view *view, struct stack_function *function);
/* One of the functions of libc in which the thread waits, that counts; without `counts` the outermost one.
 * NULL: none. The symbolizer owns the name. */
const char *inside_libc(const struct view *view, inside_fn *counts, const void *arg);
/* Calls `sees` for the functions outside of libc in which the thread waits, inlined ones included, from the
 * innermost one on, until it returns false. */
typedef bool inside_sees_fn(void *arg, const struct stack_function *function);
void inside_each_caller(const struct view *view, inside_sees_fn *sees, void *arg);
/* Does the thread wait in a function outside of libc whose name begins so? */
bool inside_waits_in(const struct view *view, const char *beginning);
/* The only thread whose stack begins in a function whose name begins so, or in a function without a name of a
 * library whose name begins so; 0: none, or several. */
struct inside_root {
    const char *function;
    const char *libraries[2];
};
pid_t inside_only_root(const struct view *view, const struct inside_root *root);

#endif
