#include "reach/reach.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/search.h"
#include "reach/caveat.h"
#include "reach/collector.h"

const char *reach_caveat_text(enum reach_caveat caveat)
{
    static const char *const texts[] = {
#define CAVEAT(name, text) [REACH_CAVEAT_##name] = text,
#include "reach/caveats.def"
    };
    return texts[caveat];
}

bool reach_caveats_are_unseen(uint32_t caveats)
{
    static const uint32_t unseen = 0
#define CAVEAT(name, text)
#define UNSEEN(name, text) | REACH_BIT(name)
#include "reach/caveats.def"
        ;
    return (caveats & unseen) != 0;
}

const char *const *reach_assumptions(void)
{
    static const char *const texts[] = {
        "no reference was given to another process or a driver, or to a file that is not open for reading",
        "no reference is stored as an offset, an index or text",
        "no signal handler wakes the thread from its own stack",
        NULL,
    };
    return texts;
}

const char *reach_state_name(enum reach_state state)
{
    static const char *const names[] = {"unchecked", "live", "stuck"};
    return names[state];
}

void reach_summary_release(struct reach_summary *summary)
{
    free(summary->why_not);
    *summary = (struct reach_summary){.why_not = NULL};
}

/* ---- what a thread needs ---- */

static size_t index_of(const struct snapshot *snapshot, pid_t tid)
{
    size_t at = SEARCH_FIRST(i, snapshot->count, snapshot->threads[i].tid >= tid);
    return tid && at < snapshot->count && snapshot->threads[at].tid == tid ? at : SIZE_MAX;
}

/* sem_wait(3) ends when a handler without SA_RESTART has run. */
static void need_object(struct reach_thread *to, const struct snapshot_thread *thread,
                        const struct wait *wait)
{
    to->need = REACH_NEEDS_OBJECT;
    to->address = thread->syscall_args[0];
    to->shared = !(thread->syscall_args[1] & FUTEX_PRIVATE_FLAG);
    to->own_futex = wait->on == WAIT_FUTEX;
    to->interruptible = wait->on == WAIT_FUTEX || wait->on == WAIT_SEMAPHORE;
}

/* A join whose thread is not known can end at any time. A lock whose owner has ended is never unlocked: the
 * thread waits for itself. */
static void set_need(struct reach_thread *to, const struct snapshot *snapshot,
                     const struct snapshot_thread *thread, const struct wait *wait)
{
    size_t owner = wait->owner_ended ? SIZE_MAX : index_of(snapshot, wait->owner);
    size_t self = (size_t)(thread - snapshot->threads);
    to->need = REACH_NEEDS_NOTHING;
    if (thread->state != SNAPSHOT_STOPPED || thread->later || to->moved || wait->running ||
        thread->syscall_nr != SYS_futex || wait->timeout != WAIT_TIMEOUT_NO)
        return;
    switch (wait->on) {
    case WAIT_MUTEX:
    case WAIT_RWLOCK:
    case WAIT_JOIN:
        if (owner != SIZE_MAX || (wait->owner_ended && !wait->shared && !wait->owner_may_have_forked)) {
            to->need = REACH_NEEDS_THREAD;
            to->owner = owner != SIZE_MAX ? owner : self;
        } else if (wait->on == WAIT_RWLOCK)
            need_object(to, thread, wait);
        return;
    case WAIT_CONDVAR:
    case WAIT_SEMAPHORE:
    case WAIT_BARRIER:
    case WAIT_FUTEX:
    case WAIT_OTHER:
        need_object(to, thread, wait);
        return;
    default:
        return;
    }
}

/* ---- the result ---- */

static bool is_tracked_by_debugger(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        if (snapshot->threads[i].state == SNAPSHOT_TRACED)
            return true;
    return false;
}

/* The shim has taken the handlers away when a process ends, so the process may have had one then. */
static uint32_t caveats_of(const struct reach_thread *thread, bool may_kill)
{
    if (thread->need != REACH_NEEDS_OBJECT)
        return 0;
    return (thread->shared ? REACH_BIT(SHARED_FUTEX) : 0) | (thread->own_futex ? REACH_BIT(OWN_FUTEX) : 0) |
           (thread->interruptible && may_kill ? REACH_BIT(HANDLER) : 0);
}

static void set_results(const struct reach_image *image, bool ends_now, struct reach_thread_result *results)
{
    for (size_t i = 0; i < image->thread_count; i++) {
        const struct reach_thread *thread = &image->threads[i];
        bool ends = thread->need == REACH_NEEDS_NEVER;
        results[i].state = thread->live || ends ? REACH_LIVE : REACH_STUCK;
        results[i].caveats = thread->live || ends ? 0 : thread->caveats | image->caveats;
        if (results[i].state == REACH_STUCK)
            results[i].caveats |= caveats_of(thread, ends_now && image->uses_kill);
    }
}

static bool mark(struct reach_collector *collector, const struct snapshot *snapshot,
                 const struct waits *waits)
{
    struct reach_image *image = &collector->image;
    for (size_t i = 0; i < image->thread_count; i++) {
        const struct snapshot_thread *thread = &snapshot->threads[i];
        set_need(&image->threads[i], snapshot, thread, wait_of(waits, i));
        if (collector->ending && thread->tid == collector->ending)
            image->threads[i].need = REACH_NEEDS_NEVER;
    }
    if (!snapshot->complete)
        image->caveats |= REACH_BIT(UNSTOPPED);
    if (collector->ending && image->uses_values)
        image->caveats |= REACH_BIT(DROPPED);
    if (is_tracked_by_debugger(snapshot))
        image->caveats |= REACH_BIT(DEBUGGER);
    image->handles = collector->handles;
    image->handle_count = collector->handle_count;
    image->end_sp = collector->end_sp;
    if (!reach_blocks_find(image))
        return reach_refuse(collector, "the stacks of its threads could not be found");
    return reach_mark(image) || reach_refuse(collector, "out of memory");
}

void reach_judge(struct reach_collector *collector, const struct snapshot *snapshot,
                 const struct waits *waits, struct reach_thread_result *results,
                 struct reach_summary *summary)
{
    uint64_t began = now_ns();
    *summary = (struct reach_summary){.bytes = collector->copied, .copy_ns = collector->copy_ns};
    if (collector->nothing_to_check) {
        summary->checked = true;
        for (size_t i = 0; i < snapshot->count; i++)
            results[i].state = REACH_LIVE;
        return;
    }
    if (collector->collected && collector->image.thread_count == snapshot->count &&
        mark(collector, snapshot, waits)) {
        summary->checked = true;
        summary->caveats = collector->image.caveats;
        set_results(&collector->image, collector->ending != 0, results);
    } else {
        summary->why_not = collector->why_not ? collector->why_not : strdup("its memory was not read");
        collector->why_not = NULL;
    }
    summary->mark_ns = now_ns() - began;
}
