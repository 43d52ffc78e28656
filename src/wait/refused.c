#include "wait/refused.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include "common/compat.h"
#include "wait/owner.h"

enum {
    MAX_FRAMES = 2048, /* bytes of pthread_mutex_lock and what it calls */
    MAX_CIRCLE = 64,   /* threads */
};

/* It waits for a 0 on its stack, with an operation that a lock never has. The address of the mutex is in no
 * register any more. */
bool wait_is_refused(const struct view *view)
{
    const struct snapshot_thread *thread = view->thread;
    const uint64_t *args = thread->syscall_args;
    return (args[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && (uint32_t)args[2] == 0 &&
           args[0] - thread->sp < MAX_FRAMES;
}

/* Does the kernel keep the thread in its queue for a lock that `owner` holds? */
static bool waits_for(const struct view *view, const struct snapshot_thread *thread, pid_t owner)
{
    int operation = (int)thread->syscall_args[1] & FUTEX_CMD_MASK;
    uint32_t lock;
    return thread->state == SNAPSHOT_STOPPED && thread->syscall_nr == SYS_futex &&
           (operation == FUTEX_LOCK_PI || operation == FUTEX_LOCK_PI2) &&
           view_read(view, thread->syscall_args[0], &lock, sizeof(lock)) && lock & FUTEX_TID_MASK &&
           own_tids_find(&view->waits->own_tids, (pid_t)(lock & FUTEX_TID_MASK)) == owner;
}

/* The only thread that does; 0: none, or several. */
static pid_t only_waiter(const struct view *view, pid_t owner, size_t *count)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    pid_t found = 0;
    *count = 0;
    for (size_t i = 0; i < snapshot->count; i++)
        if (waits_for(view, &snapshot->threads[i], owner)) {
            found = snapshot->threads[i].tid;
            ++*count;
        }
    return *count == 1 ? found : 0;
}

/* The lock that closes the circle is held by a thread that waits for this one, directly or not. If they are
 * in a row, it is most likely the last of them: two threads with two locks, three with three. */
static pid_t other_end(const struct view *view)
{
    pid_t last = 0, next = view->thread->tid;
    size_t count = 0;
    for (int i = 0; next && i < MAX_CIRCLE; i++) {
        last = next;
        next = only_waiter(view, last, &count);
    }
    return count || last == view->thread->tid ? 0 : last;
}

bool wait_for_refused(const struct view *view)
{
    pid_t owner = other_end(view);
    view->wait->on = WAIT_MUTEX;
    line_add(view->line, "priority-inheriting mutex");
    if (!owner) {
        line_add(view->line, " that is never unlocked");
        return true;
    }
    view->wait->owner_inferred = true;
    owner_add_thread(view, "perhaps held", owner);
    return true;
}
