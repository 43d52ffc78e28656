/* Joins: pthread_join and what is built on it, and joins that a library writes as a condition wait. */
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>

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

/* ---- Qt ---- */

/*
 * QThread has a pointer to QThreadPrivate, which has one to the condition variable (QWaitConditionPrivate,
 * after a mutex) and one to QThreadData. That has the QThread, and then the handle. Where these members are
 * depends on the version, so they are recognised by what they refer to. Qt 5 and Qt 6 before 6.9; later ones
 * call pthread_join. Sources: qthread_p.h, qthread_unix.cpp, qwaitcondition_unix.cpp.
 */
enum { QT_STACK_WORDS = 256, QT_WORDS = 40, QT_DATA_WORDS = 64 };

/* 0: none, or the address is not readable */
static uint64_t word_at(const struct view *view, uint64_t address)
{
    uint64_t word = 0;
    return address % 8 == 0 && view_read(view, address, &word, sizeof(word)) ? word : 0;
}

static int32_t handle_in_data(const struct view *view, uint64_t data, uint64_t thread)
{
    uint64_t words[QT_DATA_WORDS];
    if (!data || data % 8 || !view_read(view, data, words, sizeof(words)))
        return 0;
    for (size_t i = 0; i + 1 < QT_DATA_WORDS; i++)
        if (words[i] == thread)
            return owner_of_descriptor(view, words[i + 1]);
    return 0;
}

/* thread: perhaps a QThread. */
static int32_t handle_of_qthread(const struct view *view, uint64_t thread, uint64_t cond)
{
    uint64_t words[QT_WORDS], inner = word_at(view, thread + 8);
    bool waits = false;
    int32_t found = 0;
    if (!inner || inner % 8 || !view_read(view, inner, words, sizeof(words)) || words[1] != thread)
        return 0;
    for (size_t i = 2; i < QT_WORDS; i++)
        waits |= words[i] == cond - sizeof(pthread_mutex_t);
    for (size_t i = 2; waits && !found && i < QT_WORDS; i++)
        found = handle_in_data(view, words[i], thread);
    return found;
}

/* QThread::wait keeps the address of its object on the stack, or of its private data. */
static pid_t qthread_on_stack(const struct view *view, uint64_t cond)
{
    const struct snapshot_copy *stack = &view->thread->stack;
    int32_t found = 0;
    for (size_t i = 0; !found && i < QT_STACK_WORDS && 8 * (i + 1) <= stack->size; i++) {
        uint64_t word;
        memcpy(&word, stack->bytes + 8 * i, sizeof(word));
        found = handle_of_qthread(view, word, cond);
        if (!found && word)
            found = handle_of_qthread(view, word_at(view, word + 8), cond);
    }
    return found ? own_tids_find(&view->waits->own_tids, found) : 0;
}

/* Threads of its pool are QThreads, too. */
static const struct inside_root qt_thread = {"QThreadPrivate::start", {"libQt5Core.so", "libQt6Core.so"}};

/* Equal for threads with equal stacks: ten thousand may wait for one condition variable. */
static enum library_join library_join(const struct view *view)
{
    enum library_join *join = &view->stack->join;
    if (*join == JOIN_UNCHECKED)
        *join = inside_waits_in(view, "boost::thread::join") ? JOIN_OF_BOOST
                : inside_waits_in(view, "QThread::wait")     ? JOIN_OF_QT
                                                             : JOIN_OF_NONE;
    return *join;
}

bool wait_for_joined_cond(const struct view *view, uint64_t cond)
{
    pid_t joined = 0;
    if (library_join(view) == JOIN_OF_BOOST)
        joined = handle_before(view, cond);
    else if (library_join(view) == JOIN_OF_QT) {
        joined = qthread_on_stack(view, cond);
        joined = joined ? joined : inside_only_root(view, &qt_thread);
    }
    if (joined && joined != view->thread->tid)
        set_join(view, joined);
    return view->wait->on == WAIT_JOIN;
}
