/* Joins: pthread_join and what is built on it, and joins that a library writes as a condition wait. */
#include <linux/futex.h>

#include "wait/describe.h"
#include "wait/inside.h"
#include "wait/join.h"
#include "wait/owner.h"

enum { MAX_HANDLE_WORDS = 24 /* before the condition variable of boost's thread data */ };

/* The futex is the tid in the descriptor of the joined thread, and the waiter expects its value. */
static pid_t joined_tid(const struct view *view)
{
    return own_tids_find(&view->waits->own_tids, (pid_t)view->thread->syscall_args[2]);
}

static bool set_join(const struct view *view, pid_t joined)
{
    view->wait->on = WAIT_JOIN;
    view->wait->owner = joined;
    line_add(view->line, "join of ");
    view_add_thread(view, joined);
    return true;
}

bool wait_for_join(const struct view *view)
{
    return set_join(view, joined_tid(view));
}

/* pthread_join may be missing on the stack, if the compiler made a jump of a call. Nothing else waits at a
 * shared futex until a tid disappears. */
bool futex_is_join(const struct view *view)
{
    int op = (int)view->thread->syscall_args[1];
    return (op & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && !(op & FUTEX_PRIVATE_FLAG) &&
           owner_is_thread(view, joined_tid(view));
}

/* boost::detail::thread_data_base: the handle, a mutex and the condition variable, in this order. */
static pid_t handle_before(const struct view *view, uint64_t cond)
{
    int32_t found = 0;
    for (unsigned i = 1; i <= MAX_HANDLE_WORDS; i++) {
        uint64_t word = 0;
        int32_t tid =
            view_read(view, cond - 8 * i, &word, sizeof(word)) ? owner_of_descriptor(view, word) : 0;
        if (tid && found && tid != found)
            return 0;
        found = tid ? tid : found;
    }
    return found ? own_tids_find(&view->waits->own_tids, found) : 0;
}

/* Threads of its pool are QThreads, too. */
static const struct inside_root qt_thread = {"QThreadPrivate::start", {"libQt5Core.so", "libQt6Core.so"}};

bool wait_for_joined_cond(const struct view *view, uint64_t cond)
{
    pid_t joined = 0;
    if (inside_waits_in(view, "boost::thread::join"))
        joined = handle_before(view, cond);
    else if (inside_waits_in(view, "QThread::wait")) /* its private data is not at a known place */
        joined = inside_only_root(view, &qt_thread);
    if (joined && joined != view->thread->tid)
        set_join(view, joined);
    return view->wait->on == WAIT_JOIN;
}
