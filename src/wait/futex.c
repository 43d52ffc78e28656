#include <linux/futex.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "wait/cxx.h"
#include "wait/describe.h"
#include "wait/glibc.h"
#include "wait/join.h"
#include "wait/owner.h"
#include "wait/refused.h"

enum { MAX_FRAME_BYTES = 2048 /* stack of pthread_cond_wait that is searched, from sp upwards */ };

static int command(const struct view *view)
{
    return (int)view->thread->syscall_args[1] & FUTEX_CMD_MASK;
}

/* ---- mutexes ------------------------------------------------------------------------- */

static void set_kind(char *to, size_t size, uint32_t kind)
{
    static const char *const types[] = {"", " recursive", " error-checking", " adaptive"};
    snprintf(to, size, "%s%s%s%s", kind & GLIBC_MUTEX_ROBUST ? " robust" : "",
             kind & GLIBC_MUTEX_INHERIT   ? " priority-inheriting"
             : kind & GLIBC_MUTEX_PROTECT ? " priority-protected"
                                          : "",
             types[kind & GLIBC_MUTEX_TYPE],
             /* Robust mutexes always have that flag. */
             (kind & (GLIBC_MUTEX_SHARED | GLIBC_MUTEX_ROBUST)) == GLIBC_MUTEX_SHARED ? " shared" : "");
    if (*to)
        memmove(to, to + 1, strlen(to));
}

/* The loader has several locks, which all mean the same to a program. */
static bool is_of_loader(const struct view *view)
{
    const struct module *module = modules_find(&view->waits->modules, view->wait->address);
    return module && text_begins_with(path_basename(module->path), "ld-linux");
}

static bool add_mutex(const struct view *view)
{
    struct wait *wait = view->wait;
    if (!is_of_loader(view)) {
        line_add(view->line, "%s%smutex ", wait->kind, *wait->kind ? " " : "");
        return view_add_object(view);
    }
    line_add(view->line, "the loader's lock");
    wait->place = PLACE_SYMBOL;
    return (wait->symbol = strdup("the loader's lock")) != NULL;
}

bool wait_for_mutex(const struct view *view)
{
    struct wait *wait = view->wait;
    struct glibc_mutex mutex;
    if (wait_is_refused(view))
        return wait_for_refused(view);
    wait->on = WAIT_MUTEX;
    wait->address = view->thread->syscall_args[0];
    bool known = view_read(view, wait->address, &mutex, sizeof(mutex));
    if (known)
        set_kind(wait->kind, sizeof(wait->kind), mutex.kind);
    if (!add_mutex(view))
        return false;
    if (!known)
        return true;
    /* The kernel's protocol for these, futex(2): the tid is in the lock itself. */
    bool by_tid = mutex.kind & (GLIBC_MUTEX_ROBUST | GLIBC_MUTEX_INHERIT);
    int32_t owner = by_tid ? (int32_t)(mutex.lock & FUTEX_TID_MASK) : mutex.owner;
    owner_add(view, "held", owner, mutex.kind & GLIBC_MUTEX_SHARED);
    return true;
}

bool wait_for_relock(const struct view *view)
{
    if (!wait_for_mutex(view))
        return false;
    line_add(view->line, ", on return from a condvar wait");
    return true;
}

/* ---- condition variables -------------------------------------------------------------- */

/* Returns how many bytes could be read from sp on. A stack ends with the thread's descriptor, so nearly
 * always these are all. */
static size_t read_frame(const struct view *view, unsigned char frame[MAX_FRAME_BYTES])
{
    const struct snapshot_thread *thread = view->thread;
    size_t size = MAX_FRAME_BYTES;
    while (size && !snapshot_read_memory(view->waits->context.snapshot, thread, thread->sp & ~UINT64_C(7),
                                         frame, size))
        size -= 8;
    return size;
}

/* Two that differ: one of them is no such structure. Then the mutex is unknown. */
static bool find_cond_wait(const struct view *view, struct glibc_cond_wait *found)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    const struct snapshot_thread *thread = view->thread;
    uint64_t futex = thread->syscall_args[0];
    unsigned char frame[MAX_FRAME_BYTES];
    size_t size = read_frame(view, frame);
    bool is_found = false;
    for (size_t at = 0; at + sizeof(struct glibc_cond_wait) <= size; at += 8) {
        struct glibc_cond_wait here;
        memcpy(&here, frame + at, sizeof(here));
        if (!glibc_is_cond_wait(&here, futex) || !address_space_find(&snapshot->space, here.mutex))
            continue;
        if (is_found && here.cond != found->cond)
            return false;
        if (is_found && here.mutex != found->mutex)
            here.mutex = 0;
        *found = here;
        is_found = true;
    }
    return is_found;
}

bool wait_for_cond(const struct view *view)
{
    struct wait *wait = view->wait;
    struct glibc_cond_wait found;
    bool is_found = find_cond_wait(view, &found);
    /* A woken thread locks the mutex again before it returns, by FUTEX_WAIT. Until glibc 2.33, a wait without
     * a timeout is one, too. */
    if (command(view) != FUTEX_WAIT_BITSET && !is_found)
        return wait_for_relock(view);
    wait->on = WAIT_CONDVAR;
    if (!is_found) {
        line_add(view->line, "condvar wait");
        return true;
    }
    if (wait_for_joined_cond(view, found.cond))
        return true;
    wait->address = found.cond;
    wait->mutex = found.mutex;
    line_add(view->line, "condvar wait on ");
    return view_add_object(view);
}

/* ---- the others -------------------------------------------------------------------------- */

static bool wait_for_rwlock(const struct view *view, bool writing)
{
    struct wait *wait = view->wait;
    struct glibc_rwlock rwlock;
    wait->on = WAIT_RWLOCK;
    wait->address = glibc_rwlock_of_futex(view->thread->syscall_args[0],
                                          (uint32_t)view->thread->syscall_args[2], writing);
    line_add(view->line, "%s of rwlock ", writing ? "write lock" : "read lock");
    if (!view_add_object(view))
        return false;
    if (!view_read(view, wait->address, &rwlock, sizeof(rwlock)))
        return true;
    uint32_t readers = rwlock.readers >> GLIBC_RWLOCK_READER_SHIFT;
    if (rwlock.writer)
        owner_add(view, "write-locked", rwlock.writer, rwlock.shared != 0);
    else if (!(rwlock.readers & GLIBC_RWLOCK_WRITE_PHASE) && readers)
        line_add(view->line, ", held by %u reader%s", readers, readers == 1 ? "" : "s");
    return true;
}

bool wait_for_read_lock(const struct view *view)
{
    return wait_for_rwlock(view, false);
}

bool wait_for_write_lock(const struct view *view)
{
    return wait_for_rwlock(view, true);
}

bool wait_for_barrier(const struct view *view)
{
    struct wait *wait = view->wait;
    struct glibc_barrier barrier;
    wait->on = WAIT_BARRIER;
    wait->address =
        glibc_barrier_of_futex(view->thread->syscall_args[0], (uint32_t)view->thread->syscall_args[2]);
    line_add(view->line, "barrier ");
    if (!view_add_object(view))
        return false;
    if (view_read(view, wait->address, &barrier, sizeof(barrier)) &&
        barrier.in - barrier.current_round <= barrier.count)
        line_add(view->line, ", %u of %u threads arrived", barrier.in - barrier.current_round, barrier.count);
    return true;
}

static bool wait_for_object(const struct view *view, enum wait_on on, const char *what)
{
    view->wait->on = on;
    view->wait->address = view->thread->syscall_args[0];
    line_add(view->line, "%s ", what);
    return view_add_object(view);
}

bool wait_for_semaphore(const struct view *view)
{
    return wait_for_object(view, WAIT_SEMAPHORE, "semaphore");
}

/* An object of C++, if it is one, or a futex of the program. */
static bool wait_for_cxx(const struct view *view)
{
    const char *object = cxx_object(view);
    if (!wait_for_object(view, WAIT_FUTEX, object ? object : "futex"))
        return false;
    if (object && cxx_is_shared_word(view->wait->symbol))
        view->line->length = strlen(object);
    return true;
}

/* ---- the choice ------------------------------------------------------------------------------ */

static bool describe(const struct view *view)
{
    bool known = view->waits->glibc_known;
    if (view->user && (known || !view->user->needs_glibc))
        return view->user->describe(view);
    if (!view->user)
        return known && futex_is_join(view) ? wait_for_join(view) : wait_for_cxx(view);
    view->wait->on = WAIT_FUTEX;
    view->wait->address = view->thread->syscall_args[0];
    line_add(view->line, "futex 0x%llx", (unsigned long long)view->wait->address);
    return true;
}

/* Another process can only end such a wait if the call says so, and the memory is shared. */
static bool is_of_several_processes(const struct view *view)
{
    return !(view->thread->syscall_args[1] & FUTEX_PRIVATE_FLAG) &&
           view_is_shared(view, view->thread->syscall_args[0]);
}

bool wait_for_futex(const struct view *view)
{
    bool done = describe(view);
    enum wait_on on = view->wait->on;
    if (on == WAIT_CONDVAR || on == WAIT_SEMAPHORE || on == WAIT_BARRIER || on == WAIT_FUTEX)
        view->wait->shared = is_of_several_processes(view);
    return done;
}
