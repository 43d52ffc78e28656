#include "attach/recorder.h"

#include <stdlib.h>

#include "base/clock.h"
#include "proc/own_tids.h"

#define JUST_ENDED_NS 1000000000ull

struct descriptors {
    struct nptl_thread *threads;
    size_t count;
    bool whole;
};

static void confirm_live(struct recorder *recorder, const struct descriptors *descriptors)
{
    struct own_tids tids;
    own_tids_read(&tids, recorder->pid);
    for (size_t i = 0; i < descriptors->count; i++) {
        const struct nptl_thread *thread = &descriptors->threads[i];
        pid_t tid = thread->tid > 0 && tids.differ ? own_tids_find(&tids, thread->tid) : thread->tid;
        uint32_t slot = tid > 0 ? recorder_slot_in(&recorder->live, (uint64_t)tid) : WRITER_NO_SLOT;
        const struct ledger_slot *at = writer_slot(recorder->writer, slot);
        if (!at)
            continue;
        if (at->handle != thread->handle)
            recorder_set_handle(recorder, slot, thread->handle);
        table_remove(&recorder->older, thread->handle); /* the older thread that had it is gone */
        if (thread->detached)
            writer_detached(recorder->writer, slot, 0, 0);
    }
    own_tids_release(&tids);
}

static bool is_of(struct recorder *recorder, const struct nptl_thread *thread, uint32_t slot)
{
    const struct extra *extra = recorder_extra(recorder, slot);
    return thread->tid == 0 && extra && thread->start == extra->start &&
           thread->arg == writer_slot(recorder->writer, slot)->arg;
}

static int by_handle(const void *left, const void *right)
{
    const struct nptl_thread *a = left, *b = right;
    return (a->handle > b->handle) - (a->handle < b->handle);
}

/* As it was read just now; one that is not in the lists is read again. */
static bool read_thread(const struct recorder *recorder, const struct snapshot *reader,
                        const struct descriptors *descriptors, uint64_t handle, struct nptl_thread *thread)
{
    const struct nptl_thread key = {.handle = handle};
    const struct nptl_thread *found =
        descriptors->count ? bsearch(&key, descriptors->threads, descriptors->count, sizeof(key), by_handle)
                           : NULL;
    if (found)
        *thread = *found;
    return found || nptl_read_thread(recorder->nptl, reader, handle, thread);
}

/* A descriptor that no other slot has. If creations were lost, it can be that of a thread without a slot. */
static bool claim(struct recorder *recorder, const struct descriptors *descriptors, uint32_t slot)
{
    if (writer_header(recorder->writer)->lost_events)
        return false;
    for (size_t i = 0; i < descriptors->count; i++) {
        const struct nptl_thread *thread = &descriptors->threads[i];
        if (!is_of(recorder, thread, slot) || table_find(&recorder->older, thread->handle) ||
            recorder_slot_of_handle(recorder, thread->handle) != WRITER_NO_SLOT)
            continue;
        recorder_set_handle(recorder, slot, thread->handle);
        recorder_extra(recorder, slot)->claimed = true;
        return true;
    }
    return false;
}

static bool is_gone(struct recorder *recorder, const struct snapshot *reader,
                    const struct descriptors *descriptors, uint32_t slot)
{
    const struct ledger_slot *at = writer_slot(recorder->writer, slot);
    struct nptl_thread thread;
    if (!at->handle)
        return !claim(recorder, descriptors, slot) && descriptors->whole;
    return !read_thread(recorder, reader, descriptors, at->handle, &thread) ||
           !is_of(recorder, &thread, slot);
}

/* A join whose record is not taken yet can be the reason that a descriptor is gone. So a thread with a handle
 * counts as joined only once these records were taken. A thread that has just ended can be in a join whose
 * record was taken before, so it is read again. */
static void confirm_one(struct recorder *recorder, const struct snapshot *reader,
                        const struct descriptors *descriptors, uint32_t slot, uint64_t until)
{
    const struct ledger_slot *at = writer_slot(recorder->writer, slot);
    struct extra *extra = at && at->state & SLOT_ENDED ? recorder_extra(recorder, slot) : NULL;
    uint64_t now = now_ns();
    if (!extra)
        return;
    if (!extra->gone_ns && is_gone(recorder, reader, descriptors, slot))
        extra->gone_ns = now;
    if (extra->gone_ns && (extra->gone_ns <= until || !at->handle))
        recorder_finish(recorder, slot);
    else if (extra->gone_ns || now - at->ended_ns < JUST_ENDED_NS)
        recorder->changed = true;
}

static void confirm_ended(struct recorder *recorder, const struct snapshot *reader,
                          const struct descriptors *descriptors, uint64_t until)
{
    for (uint32_t i = 0; i < writer_slot_count(recorder->writer); i++)
        confirm_one(recorder, reader, descriptors, i, until);
}

void recorder_note_older(struct recorder *recorder, const struct snapshot *reader)
{
    struct descriptors descriptors;
    if (!nptl_read_threads(recorder->nptl, reader, &descriptors.threads, &descriptors.count,
                           &descriptors.whole))
        return;
    for (size_t i = 0; i < descriptors.count; i++)
        table_set(&recorder->older, descriptors.threads[i].handle, 1);
    free(descriptors.threads);
}

void recorder_confirm(struct recorder *recorder, const struct snapshot *reader, uint64_t until)
{
    struct descriptors descriptors;
    if (!nptl_read_threads(recorder->nptl, reader, &descriptors.threads, &descriptors.count,
                           &descriptors.whole))
        return;
    recorder->changed = false;
    if (descriptors.count)
        qsort(descriptors.threads, descriptors.count, sizeof(*descriptors.threads), by_handle);
    confirm_live(recorder, &descriptors);
    confirm_ended(recorder, reader, &descriptors, until);
    free(descriptors.threads);
}
