#include "attach/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach/args.h"
#include "attach/table.h"
#include "base/array.h"
#include "base/clock.h"
#include "proc/own_tids.h"

#define JUST_ENDED_NS 1000000000ull

/* A call of pthread_create that has not returned. */
struct pending {
    pid_t creator;
    uint64_t handle_at, start, arg, ns; /* handle_at: where the call stores the handle */
    struct resolved resolved;
    bool begun;    /* the thread exists */
    uint32_t slot; /* of it */
};

/* What the ledger does not have of a slot. */
struct extra {
    uint64_t serial;  /* of the thread that it belongs to */
    uint64_t start;   /* its start routine */
    bool claimed;     /* its handle is that of a descriptor like its own, which can be another thread's */
    uint64_t gone_ns; /* its descriptor was gone then; 0: it is not */
    uint64_t caller;  /* of the latest join of it; 0: none */
    ledger_pc place;
};

struct recorder {
    pid_t pid;
    const struct probes *probes;
    const struct nptl *nptl;
    struct writer *writer;
    struct pending *pending;
    size_t pending_count;
    struct table live;    /* slot + 1 of a tracked thread by its tid */
    struct table handles; /* slot + 1 by handle */
    struct table older;   /* 1 by handle of each thread that is older than the records */
    struct table begun;   /* 1 by tid of each thread whose start was recorded */
    struct extra *extras; /* by slot */
    size_t extra_count;
    uint64_t complete;
    bool changed, execed;
};

struct recorder *recorder_new(pid_t pid, const struct probes *probes, const struct nptl *nptl,
                              struct writer *writer)
{
    struct recorder *recorder = calloc(1, sizeof(*recorder));
    if (recorder)
        *recorder = (struct recorder){.pid = pid, .probes = probes, .nptl = nptl, .writer = writer};
    return recorder;
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    table_release(&recorder->live);
    table_release(&recorder->handles);
    table_release(&recorder->begun);
    table_release(&recorder->older);
    free(recorder->pending);
    free(recorder->extras);
    free(recorder);
}

/* ---- slots ---------------------------------------------------------------------------------------- */

static uint32_t slot_in(const struct table *table, uint64_t key)
{
    uint64_t found = table_find(table, key);
    return found ? (uint32_t)found - 1 : WRITER_NO_SLOT;
}

/* The slot that has this handle now: that of an older thread can be over, or be used again. */
static uint32_t slot_of_handle(const struct recorder *recorder, uint64_t handle)
{
    uint32_t slot = slot_in(&recorder->handles, handle);
    const struct ledger_slot *at = slot == WRITER_NO_SLOT ? NULL : writer_slot(recorder->writer, slot);
    return at && at->handle == handle ? slot : WRITER_NO_SLOT;
}

/* NULL: out of memory. */
static struct extra *extra_of(struct recorder *recorder, uint32_t slot)
{
    const struct ledger_slot *at = writer_slot(recorder->writer, slot);
    while (recorder->extra_count <= slot) {
        if (!ARRAY_GROW(recorder->extras, recorder->extra_count))
            return NULL;
        recorder->extras[recorder->extra_count++] = (struct extra){0};
    }
    struct extra *extra = &recorder->extras[slot];
    if (at && extra->serial != at->serial)
        *extra = (struct extra){.serial = at->serial};
    return extra;
}

/* Its descriptor is gone. */
static void finish(struct recorder *recorder, uint32_t slot)
{
    const struct ledger_slot *at = writer_slot(recorder->writer, slot);
    const struct extra *extra = extra_of(recorder, slot);
    if (!at || !extra)
        return;
    if (extra->caller)
        writer_joined(recorder->writer, slot, extra->caller, extra->place);
    else
        writer_released(recorder->writer, slot);
}

/* glibc issues a handle again only when the thread that had it is gone. But a thread that had only claimed it
 * never had it. */
static void take_handle_from(struct recorder *recorder, uint32_t older)
{
    struct extra *extra = extra_of(recorder, older);
    if (!extra || !(writer_slot(recorder->writer, older)->state & SLOT_ENDED))
        return;
    if (!extra->claimed) {
        finish(recorder, older);
        return;
    }
    writer_set_handle(recorder->writer, older, 0);
    extra->claimed = false;
    extra->gone_ns = 0;
}

static void set_handle(struct recorder *recorder, uint32_t slot, uint64_t handle)
{
    uint32_t older = slot_of_handle(recorder, handle);
    if (older != WRITER_NO_SLOT && older != slot)
        take_handle_from(recorder, older);
    writer_set_handle(recorder->writer, slot, handle);
    table_set(&recorder->handles, handle, slot + 1);
}

/* ---- creations --------------------------------------------------------------------------------------- */

static struct pending *pending_of(const struct recorder *recorder, pid_t creator)
{
    for (size_t i = 0; i < recorder->pending_count; i++)
        if (recorder->pending[i].creator == creator)
            return &recorder->pending[i];
    return NULL;
}

/* A record that is there twice replaces the first. */
static void take_create(struct recorder *recorder, const struct perf_record *record,
                        const struct resolved *resolved)
{
    struct pending *pending = pending_of(recorder, record->tid);
    if (pending && !pending->begun && pending->handle_at == record->regs[ARG_0])
        return;
    if (!pending && !ARRAY_GROW(recorder->pending, recorder->pending_count)) {
        writer_lost(recorder->writer, 1);
        return;
    }
    if (!pending)
        pending = &recorder->pending[recorder->pending_count++];
    *pending = (struct pending){.creator = record->tid,
                                .handle_at = record->regs[ARG_0],
                                .start = record->regs[ARG_2],
                                .arg = record->regs[ARG_3],
                                .ns = record->ns,
                                .resolved = *resolved,
                                .slot = WRITER_NO_SLOT};
}

static void take_begin(struct recorder *recorder, const struct perf_record *record)
{
    bool again = table_find(&recorder->live, (uint64_t)record->tid) != 0;
    struct pending *pending = again ? NULL : pending_of(recorder, record->by);
    table_set(&recorder->begun, (uint64_t)record->tid, 1);
    if (!pending || pending->begun)
        return;
    pending->begun = true;
    if (pending->resolved.by_libc)
        return;
    recorder->complete += pending->resolved.complete;
    struct writer_thread thread = {.site = pending->resolved.site,
                                   .tid = record->tid,
                                   .created_by_tid = record->by,
                                   .arg = pending->arg,
                                   .ns = pending->ns,
                                   .start_pc = pending->resolved.start_pc};
    pending->slot = writer_add(recorder->writer, &thread);
    struct extra *extra = pending->slot == WRITER_NO_SLOT ? NULL : extra_of(recorder, pending->slot);
    if (extra)
        extra->start = pending->start;
    if (pending->slot != WRITER_NO_SLOT)
        table_set(&recorder->live, (uint64_t)record->tid, pending->slot + 1);
}

static enum ledger_fail fail_of(uint64_t error)
{
    switch (error) {
    case EAGAIN:
        return FAIL_EAGAIN;
    case ENOMEM:
        return FAIL_ENOMEM;
    case EINVAL:
        return FAIL_EINVAL;
    case EPERM:
        return FAIL_EPERM;
    default:
        return FAIL_OTHER;
    }
}

/* From the copy of the creator's frame, as it was when the call returned. 0: it is not there. */
static uint64_t handle_in_frame(const struct pending *pending, const struct perf_record *record)
{
    uint64_t sp = record->regs[SNAPSHOT_REG_SP], handle;
    if (pending->handle_at < sp || pending->handle_at - sp > record->stack_size ||
        record->stack_size - (pending->handle_at - sp) < sizeof(handle))
        return 0;
    memcpy(&handle, record->stack + (pending->handle_at - sp), sizeof(handle));
    return handle;
}

static void take_created(struct recorder *recorder, const struct perf_record *record)
{
    struct pending *pending = pending_of(recorder, record->tid);
    uint64_t result = record->regs[RESULT] & UINT32_MAX;
    if (!pending)
        return;
    uint64_t handle = handle_in_frame(pending, record);
    if (result)
        writer_failed(recorder->writer, pending->resolved.site, fail_of(result));
    else if (pending->slot != WRITER_NO_SLOT && handle)
        set_handle(recorder, pending->slot, handle);
    else if (!pending->begun && !pending->resolved.by_libc)
        writer_lost(recorder->writer, 1);
    *pending = recorder->pending[--recorder->pending_count];
}

/* ---- the life of a thread -------------------------------------------------------------------------------
 */

static void take_end(struct recorder *recorder, const struct perf_record *record)
{
    uint32_t slot = slot_in(&recorder->live, (uint64_t)record->tid);
    table_remove(&recorder->begun, (uint64_t)record->tid);
    table_remove(&recorder->live, (uint64_t)record->tid);
    writer_ended(recorder->writer, slot, record->ns);
}

static void take_join(struct recorder *recorder, const struct perf_record *record,
                      const struct resolved *resolved)
{
    uint32_t slot = slot_of_handle(recorder, record->regs[ARG_0]);
    struct extra *extra = slot == WRITER_NO_SLOT ? NULL : extra_of(recorder, slot);
    if (!extra)
        return;
    extra->caller = resolved->caller;
    extra->place = resolved->place;
}

static void take_detach(struct recorder *recorder, const struct perf_record *record,
                        const struct resolved *resolved)
{
    uint32_t slot = slot_of_handle(recorder, record->regs[ARG_0]);
    writer_detached(recorder->writer, slot, resolved->caller, resolved->place);
}

static void take_hit(struct recorder *recorder, const struct perf_record *record,
                     const struct resolved *resolved)
{
    if (!record->has_regs)
        return;
    switch (recorder->probes->kinds[record->probe]) {
    case PROBE_CREATE:
        take_create(recorder, record, resolved);
        break;
    case PROBE_CREATED:
        take_created(recorder, record);
        break;
    case PROBE_DETACH:
        take_detach(recorder, record, resolved);
        break;
    default:
        take_join(recorder, record, resolved);
    }
}

static void take_one(struct recorder *recorder, const struct perf_record *record,
                     const struct resolved *resolved)
{
    if (record->kind == PERF_LOST)
        writer_lost(recorder->writer, record->lost);
    if (record->pid != recorder->pid)
        return;
    if (record->kind == PERF_HIT)
        take_hit(recorder, record, resolved);
    else if (record->kind == PERF_BEGIN)
        take_begin(recorder, record);
    else if (record->kind == PERF_END)
        take_end(recorder, record);
    else if (record->kind == PERF_NAME)
        writer_set_name(recorder->writer, slot_in(&recorder->live, (uint64_t)record->tid), record->name);
    recorder->execed = recorder->execed || record->exec;
    recorder->changed = true;
}

void recorder_take(struct recorder *recorder, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        take_one(recorder, &batch->records[i], &batch->resolved[i]);
}

/* ---- confirmation
 * ------------------------------------------------------------------------------------------ */

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
        uint32_t slot = tid > 0 ? slot_in(&recorder->live, (uint64_t)tid) : WRITER_NO_SLOT;
        const struct ledger_slot *at = writer_slot(recorder->writer, slot);
        if (!at)
            continue;
        if (at->handle != thread->handle)
            set_handle(recorder, slot, thread->handle);
        table_remove(&recorder->older, thread->handle); /* the older thread that had it is gone */
        if (thread->detached)
            writer_detached(recorder->writer, slot, 0, 0);
    }
    own_tids_release(&tids);
}

static bool is_of(struct recorder *recorder, const struct nptl_thread *thread, uint32_t slot)
{
    const struct extra *extra = extra_of(recorder, slot);
    return thread->tid == 0 && extra && thread->start == extra->start &&
           thread->arg == writer_slot(recorder->writer, slot)->arg;
}

/* A descriptor that no other slot has. */
static bool claim(struct recorder *recorder, const struct descriptors *descriptors, uint32_t slot)
{
    for (size_t i = 0; i < descriptors->count; i++) {
        const struct nptl_thread *thread = &descriptors->threads[i];
        if (!is_of(recorder, thread, slot) || table_find(&recorder->older, thread->handle) ||
            slot_of_handle(recorder, thread->handle) != WRITER_NO_SLOT)
            continue;
        set_handle(recorder, slot, thread->handle);
        extra_of(recorder, slot)->claimed = true;
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
    return !nptl_read_thread(recorder->nptl, reader, at->handle, &thread) || !is_of(recorder, &thread, slot);
}

/* A join whose record is not taken yet can be the reason that a descriptor is gone. So a thread with a handle
 * counts as joined only once these records were taken. A thread that has just ended can be in a join whose
 * record was taken before, so it is read again. */
static void confirm_one(struct recorder *recorder, const struct snapshot *reader,
                        const struct descriptors *descriptors, uint32_t slot, uint64_t until)
{
    const struct ledger_slot *at = writer_slot(recorder->writer, slot);
    struct extra *extra = at && at->state & SLOT_ENDED ? extra_of(recorder, slot) : NULL;
    uint64_t now = now_ns();
    if (!extra)
        return;
    if (!extra->gone_ns && is_gone(recorder, reader, descriptors, slot))
        extra->gone_ns = now;
    if (extra->gone_ns && (extra->gone_ns <= until || !at->handle))
        finish(recorder, slot);
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
    confirm_live(recorder, &descriptors);
    confirm_ended(recorder, reader, &descriptors, until);
    free(descriptors.threads);
}

bool recorder_has_changed(const struct recorder *recorder)
{
    return recorder->changed;
}

bool recorder_knows(const struct recorder *recorder, pid_t tid)
{
    return table_find(&recorder->begun, (uint64_t)tid) != 0;
}

uint64_t recorder_complete(const struct recorder *recorder)
{
    return recorder->complete;
}

bool recorder_has_execed(const struct recorder *recorder)
{
    return recorder->execed;
}
