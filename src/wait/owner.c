#include "wait/owner.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/search.h"
#include "nptl/nptl.h"
#include "proc/file.h"
#include "proc/process.h"
#include "proc/status.h"
#include "wait/ended.h"
#include "wait/glibc.h"

bool owner_is_thread(const struct view *view, pid_t tid)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    size_t at = SEARCH_FIRST(i, snapshot->count, snapshot->threads[i].tid >= tid);
    return at < snapshot->count && snapshot->threads[at].tid == tid;
}

/* A core file has all threads. If a debugger wrote it from another pid namespace, it has other tids than the
 * memory. */
static bool is_not_in_core(const struct view *view)
{
    const struct snapshot_thread *thread = view->thread;
    return snapshot_is_partial(view->waits->context.snapshot) &&
           owner_of_descriptor(view, thread->thread_pointer) == thread->tid;
}

/* A main thread that has returned is a zombie until the process ends. */
static bool has_ended(const struct view *view, pid_t tid)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    struct task_stat stat;
    if (!view->waits->has_proc)
        return is_not_in_core(view);
    if (kill(snapshot->pid, 0) != 0)
        return false;
    return !task_stat_read(snapshot->pid, tid, &stat) || task_state_is_end(stat.state);
}

/* A thread of the parent is older than the process, so its tid is lower, but for a wrap of the numbers. */
static bool may_have_forked(const struct view *view, pid_t owner)
{
    const struct wait_context *context = &view->waits->context;
    if (context->fork == WAIT_FORK_NONE || (context->forked_by && view->wait->owner_process))
        return false;
    return view->waits->own_tids.differ || owner < context->snapshot->pid;
}

/* A forked child has the locks as they were in its parent. */
static void add_why_none(const struct view *view, pid_t owner)
{
    pid_t parent = view->waits->has_proc ? process_parent(view->waits->context.snapshot->pid) : 0;
    view->wait->owner_ended = true;
    if (parent > 0 && access(PROC_PATH("%d/task/%d", parent, owner), F_OK) == 0) {
        view->wait->owner_process = parent;
        line_add(view->line, ", which exists only in the parent process %d", (int)parent);
    } else
        line_add(view->line, ", which has ended");
    view->wait->owner_may_have_forked = may_have_forked(view, owner);
}

static void begin(const struct view *view, const char *how)
{
    view->wait->object_length = (int)view->line->length;
    line_add(view->line, ", %s by ", how);
}

void owner_add_thread(const struct view *view, const char *how, pid_t owner)
{
    view->wait->owner = owner;
    begin(view, how);
    view_add_thread(view, owner);
    if (!owner_is_thread(view, owner) && !view->wait->shared && has_ended(view, owner))
        add_why_none(view, owner);
}

/* False: there is no descriptor. */
static bool read_tid(const struct view *view, uint64_t descriptor, int32_t *tid)
{
    uint64_t self = descriptor;
    if (!descriptor || descriptor % 8)
        return false;
#if defined(__x86_64__)
    if (!view_read(view, descriptor + GLIBC_DESCRIPTOR_SELF, &self, sizeof(self)))
        return false;
#endif
    return self == descriptor && view_read(view, descriptor + GLIBC_DESCRIPTOR_TID, tid, sizeof(*tid));
}

/* 0: there is none. */
static int32_t tid_in_descriptor(const struct view *view, uint64_t descriptor)
{
    int32_t tid;
    return read_tid(view, descriptor, &tid) ? tid : 0;
}

/* In glibc's lists the main thread has no start routine. 0: it is not there. */
static pid_t main_in_lists(const struct snapshot *snapshot)
{
    struct nptl nptl;
    struct nptl_thread *threads = NULL;
    size_t count = 0;
    bool whole;
    pid_t found = 0;
    if (!nptl_read(&nptl, snapshot) || !nptl.start ||
        !nptl_read_threads(&nptl, snapshot, &threads, &count, &whole))
        return 0;
    for (size_t i = 0; i < count && !found; i++)
        if (!threads[i].start && !threads[i].arg)
            found = threads[i].tid;
    free(threads);
    return found;
}

/* A thread that was not stopped has no thread pointer. */
static pid_t read_main(const struct view *view)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    size_t at = SEARCH_FIRST(i, snapshot->count, snapshot->threads[i].tid >= snapshot->pid);
    if (at == snapshot->count || snapshot->threads[at].tid != snapshot->pid)
        return 0;
    uint64_t descriptor = snapshot->threads[at].thread_pointer;
    return descriptor ? tid_in_descriptor(view, descriptor) : main_in_lists(snapshot);
}

/* In a child of the system call clone, libc keeps the tid of the thread that made it, also for the locks that
 * the main thread of the child takes. */
static bool is_tid_of_main(const struct view *view, pid_t own)
{
    struct waits *waits = view->waits;
    if (owner_is_thread(view, own_tids_find(&waits->own_tids, own)))
        return false;
    if (!waits->main.known) {
        waits->main.tid = read_main(view);
        waits->main.known = true;
    }
    return waits->main.tid == own;
}

void owner_add(const struct view *view, const char *how, int32_t own, bool shared)
{
    if (own <= 0)
        return;
    /* Every robust mutex is marked as shared. */
    shared = shared && view_is_shared(view, view->wait->address);
    pid_t owner = own_tids_find(&view->waits->own_tids, own);
    if (!shared && (own == view->waits->context.forked_by || is_tid_of_main(view, own)))
        owner = view->waits->context.snapshot->pid;
    view->wait->shared = shared;
    if (owner) {
        owner_add_thread(view, how, owner);
        if (shared && !owner_is_thread(view, owner))
            line_add(view->line, ", perhaps in another process");
        return;
    }
    view->wait->owner_ended = !shared;
    view->wait->owner_may_have_forked = !shared && view->waits->context.fork != WAIT_FORK_NONE;
    begin(view, how);
    line_add(view->line, "a thread that has the tid %d in its pid namespace, %s", own,
             shared ? "perhaps in another process" : "and has ended");
}

/* None where glibc's lists are not known. */
static void read_listed(const struct view *view, struct nptl_thread **threads, size_t *count)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    struct nptl nptl;
    bool whole;
    if (!nptl_read(&nptl, snapshot) || !nptl_read_threads(&nptl, snapshot, threads, count, &whole)) {
        *threads = NULL;
        *count = 0;
    }
}

/* The kernel writes 0 when the thread ends (CLONE_CHILD_CLEARTID), and pthread_join writes -1. */
bool owner_has_ended_with(const struct view *view, const struct glibc_recursive_lock *lock)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    struct ended_facts facts = {.snapshot = snapshot, .own_tids = &view->waits->own_tids, .then = *lock};
    struct nptl_thread *listed;
    if (!read_tid(view, lock->owner, &facts.tid) || facts.tid > 0)
        return false;
    read_listed(view, &listed, &facts.listed_count);
    facts.listed = listed;
    bool has_ended = snapshot_read_live(snapshot, view->wait->address, &facts.now, sizeof(facts.now)) &&
                     ended_with_lock(&facts);
    free(listed);
    return has_ended;
}

void owner_add_ended(const struct view *view, const char *how)
{
    view->wait->owner_ended = true;
    begin(view, how);
    line_add(view->line, "a thread that has ended");
}

int32_t owner_of_descriptor(const struct view *view, uint64_t descriptor)
{
    int32_t tid = tid_in_descriptor(view, descriptor);
    pid_t here = tid > 0 ? own_tids_find(&view->waits->own_tids, tid) : 0;
    return here && owner_is_thread(view, here) ? tid : 0;
}
