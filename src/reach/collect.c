#include "reach/collector.h"

#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "proc/call.h"
#include "proc/file.h"
#include "proc/own_tids.h"
#include "proc/status.h"
#include "reach/caveat.h"
#include "reach/memory.h"

enum { MAX_TRIES = 3, MIN_PART = 500 /* threads that are worth a thread of our own: 8 us each */ };

/* ---- before the stop ---- */

static uint64_t kib_of(const char *text, const char *key)
{
    const char *found = strstr(text, key);
    return found ? strtoull(found + strlen(key), NULL, 10) : 0;
}

static void allocate(struct reach_collector *collector)
{
    char text[8192];
    if (proc_read(PROC_PATH("%d/status", collector->pid), text, sizeof(text)) <= 0)
        return;
    uint64_t kib = kib_of(text, "\nRssAnon:") + kib_of(text, "\nRssShmem:") + kib_of(text, "\nVmSwap:");
    uint64_t size = (kib + kib / 16 + 1024) << 10;
    if (collector->limit == REACH_MODERATE && size > REACH_MODERATE_BYTES)
        return;
    collector->memory = reach_memory_map(size);
    if (!collector->memory)
        return;
    reach_memory_prepare(collector->memory, size);
    collector->memory_size = size;
}

struct reach_collector *reach_collector_new(pid_t pid, enum reach_limit limit, pid_t ending)
{
    struct reach_collector *collector = calloc(1, sizeof(*collector));
    if (!collector)
        return NULL;
    collector->pid = pid;
    collector->limit = limit;
    collector->ending = ending;
    collector->pages.fd = -1;
    if (limit != REACH_NOTHING)
        allocate(collector);
    return collector;
}

/* ---- while the process is stopped ---- */

/* Can a thread be stuck: does it wait for a futex, without a timeout? */
static bool may_be_stuck(const struct snapshot_thread *thread)
{
    return thread->state == SNAPSHOT_STOPPED && thread->syscall_nr == SYS_futex && !thread->syscall_args[3];
}

static bool has_candidates(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        if (may_be_stuck(&snapshot->threads[i]))
            return true;
    return false;
}

static void read_guard(struct reach_collector *collector, const struct snapshot *snapshot)
{
#if defined(__x86_64__)
    enum { POINTER_GUARD = 0x30 }; /* in tcbhead_t */
    for (size_t i = 0; i < snapshot->count && !collector->image.guard; i++)
        if (snapshot->threads[i].thread_pointer)
            snapshot_read_live(snapshot, snapshot->threads[i].thread_pointer + POINTER_GUARD,
                               &collector->image.guard, sizeof(collector->image.guard));
#else
    (void)snapshot;
    collector->image.caveats |= REACH_BIT(MACHINE);
#endif
}

static void set_own_tids(struct reach_collector *collector)
{
    struct own_tids tids;
    own_tids_read(&tids, collector->pid);
    for (size_t i = 0; tids.differ && i < collector->image.thread_count; i++)
        for (size_t j = 0; j < tids.count; j++)
            if (tids.items[j].tid == collector->image.threads[i].tid)
                collector->image.threads[i].own_tid = tids.items[j].own;
    own_tids_release(&tids);
}

struct runs {
    const struct snapshot *snapshot;
    uint64_t *before;
    atomic_bool changed;
};

static void compare_runs(void *arg, size_t first, size_t end)
{
    struct runs *runs = arg;
    for (size_t i = first; i < end; i++) {
        const struct snapshot_thread *thread = &runs->snapshot->threads[i];
        uint64_t now = thread->unstopped ? task_runs_read(runs->snapshot->pid, thread->tid) : runs->before[i];
        if (now != runs->before[i])
            atomic_store(&runs->changed, true);
        runs->before[i] = now;
    }
}

/* Has none of the threads that were left running got a CPU? They must not while memory is copied, else a
 * reference may move from what is not copied yet to what is copied already. */
static bool have_not_run(const struct snapshot *snapshot, uint64_t *before)
{
    struct runs runs = {.snapshot = snapshot, .before = before};
    parallel_run(snapshot->count, MIN_PART, compare_runs, &runs);
    return !atomic_load(&runs.changed);
}

/* Is it known how often each had got a CPU? Not on a kernel that does not count. */
static bool are_counted(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        if (snapshot->threads[i].unstopped && !snapshot->threads[i].runs)
            return false;
    return true;
}

/* A thread that is in another call than the snapshot says can run. */
static void check_calls(struct reach_collector *collector, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct snapshot_thread *thread = &snapshot->threads[i];
        struct task_call call;
        if (!thread->unstopped)
            continue;
        task_call_read(snapshot->pid, thread->tid, &call);
        if (call.state != TASK_CALL_BLOCKED || call.sp != thread->sp || call.pc != thread->pc ||
            memcmp(call.args, thread->syscall_args, sizeof(call.args)) != 0) {
            collector->image.threads[i].sp = 0;
            collector->image.threads[i].moved = true;
        }
    }
}

static bool copy_once(struct reach_collector *collector, const struct snapshot *snapshot)
{
    free(collector->image.pieces);
    collector->image.pieces = NULL;
    if (!reach_copy_pages(collector, snapshot))
        return false;
    collector->kernel.size = 0;
    reach_kernel_read(collector, snapshot);
    reach_births_read(collector, snapshot);
    return true;
}

/* The snapshot has read how often each thread had got a CPU. What has not run since then is in its call.
 * steady: that is so of all that were left running. */
static bool copy(struct reach_collector *collector, const struct snapshot *snapshot, bool *steady)
{
    uint64_t *runs = calloc(snapshot->count + 1, sizeof(*runs));
    bool done = false;
    for (size_t i = 0; runs && i < snapshot->count; i++)
        runs[i] = snapshot->threads[i].runs;
    for (int tries = 0; runs && !done && tries < MAX_TRIES; tries++) {
        if (tries)
            check_calls(collector, snapshot);
        if (!copy_once(collector, snapshot))
            break;
        done = have_not_run(snapshot, runs);
        *steady = done && tries == 0 && are_counted(snapshot);
    }
    free(runs);
    return done || reach_refuse(collector, "threads that were not stopped ran while its memory was copied");
}

static void set_pointers(struct reach_collector *collector)
{
    struct reach_image *image = &collector->image;
    for (size_t i = 0; i < image->thread_count; i++)
        if (image->threads[i].vector_size)
            image->threads[i].vectors = collector->vectors.bytes + collector->vector_at[i];
    image->kernel = collector->kernel.bytes;
    image->kernel_size = collector->kernel.size;
}

/* Of an earlier stop, after which the snapshot tried again. */
static void forget(struct reach_collector *collector)
{
    reach_pages_release(&collector->pages);
    free(collector->image.pieces);
    free(collector->image.regions);
    free(collector->image.threads);
    free(collector->image.dead);
    free(collector->words);
    free(collector->vector_at);
    free(collector->why_not);
    collector->image = (struct reach_image){.pieces = NULL};
    collector->words = NULL;
    collector->vector_at = NULL;
    collector->why_not = NULL;
    collector->vectors.size = collector->kernel.size = 0;
    collector->shim_signals = collector->slots = collector->slot_count = 0;
    collector->collected = collector->signals_queued = false;
}

bool reach_collect(struct reach_collector *collector, const struct snapshot *snapshot)
{
    bool steady = false;
    forget(collector);
    uint64_t began = now_ns();
    collector->nothing_to_check = !has_candidates(snapshot) && !collector->handle_count;
    if (collector->limit == REACH_NOTHING || collector->nothing_to_check || !snapshot->task)
        return false;
    reach_pages_open(&collector->pages, snapshot->task);
    if (reach_regions_find(collector, snapshot) && reach_registers_read(collector, snapshot)) {
        set_own_tids(collector);
        read_guard(collector, snapshot);
        collector->collected = copy(collector, snapshot, &steady) && !collector->why_not;
        set_pointers(collector);
    }
    collector->copy_ns = now_ns() - began;
    return steady;
}

void reach_collect_core(struct reach_collector *collector, const struct snapshot *snapshot)
{
    forget(collector);
    collector->is_core = true;
    collector->nothing_to_check = !has_candidates(snapshot);
    if (collector->limit == REACH_NOTHING || collector->nothing_to_check)
        return;
    collector->image.caveats |= REACH_BIT(CORE);
    if (reach_regions_find(collector, snapshot) && reach_registers_read(collector, snapshot)) {
        read_guard(collector, snapshot);
        collector->collected = reach_copy_core(collector, snapshot);
        set_pointers(collector);
    }
}

void reach_collector_free(struct reach_collector *collector)
{
    if (!collector)
        return;
    forget(collector);
    if (collector->memory)
        munmap(collector->memory, collector->memory_size);
    free(collector->vectors.bytes);
    free(collector->kernel.bytes);
    free(collector->handles);
    free(collector);
}
