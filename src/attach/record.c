#include "attach/recorder.h"

#include <errno.h>
#include <string.h>

#include "attach/args.h"
#include "base/array.h"

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
                                .stack_bytes = record->stack_size,
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
    recorder->stacks.creations++;
    if (pending->resolved.cut) {
        recorder->stacks.cut++;
        recorder->stacks.cut_bytes = pending->stack_bytes;
    }
    struct writer_thread thread = {.site = pending->resolved.site,
                                   .tid = record->tid,
                                   .created_by_tid = record->by,
                                   .arg = pending->arg,
                                   .ns = pending->ns,
                                   .start_pc = pending->resolved.start_pc};
    pending->slot = writer_add(recorder->writer, &thread);
    struct extra *extra = pending->slot == WRITER_NO_SLOT ? NULL : recorder_extra(recorder, pending->slot);
    if (extra)
        extra->start = pending->start;
    if (pending->slot != WRITER_NO_SLOT)
        table_set(&recorder->live, (uint64_t)record->tid, pending->slot + 1);
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
        writer_failed(recorder->writer, pending->resolved.site, ledger_fail_of((int)result));
    else if (pending->slot != WRITER_NO_SLOT && handle)
        recorder_set_handle(recorder, pending->slot, handle);
    else if (!pending->begun && !pending->resolved.by_libc)
        writer_lost(recorder->writer, 1);
    *pending = recorder->pending[--recorder->pending_count];
}

/* ---- the life of a thread -------------------------------------------------------------------------------
 */

static void take_end(struct recorder *recorder, const struct perf_record *record)
{
    uint32_t slot = recorder_slot_in(&recorder->live, (uint64_t)record->tid);
    table_remove(&recorder->begun, (uint64_t)record->tid);
    table_remove(&recorder->live, (uint64_t)record->tid);
    writer_ended(recorder->writer, slot, record->ns);
}

static void take_join(struct recorder *recorder, const struct perf_record *record,
                      const struct resolved *resolved)
{
    uint32_t slot = recorder_slot_of_handle(recorder, record->regs[ARG_0]);
    struct extra *extra = slot == WRITER_NO_SLOT ? NULL : recorder_extra(recorder, slot);
    if (!extra)
        return;
    extra->caller = resolved->caller;
    extra->place = resolved->place;
}

static void take_detach(struct recorder *recorder, const struct perf_record *record,
                        const struct resolved *resolved)
{
    uint32_t slot = recorder_slot_of_handle(recorder, record->regs[ARG_0]);
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
        writer_set_name(recorder->writer, recorder_slot_in(&recorder->live, (uint64_t)record->tid),
                        record->name);
    recorder->execed = recorder->execed || record->exec;
    recorder->changed = true;
}

void recorder_take(struct recorder *recorder, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        take_one(recorder, &batch->records[i], &batch->resolved[i]);
}
