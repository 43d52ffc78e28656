#include "attach/batch.h"

#include <stdlib.h>
#include <string.h>

#include "attach/args.h"
#include "unwind/unwind.h"

enum { DEPTH = 64 /* the default of the shim's `depth` */ };

static bool is_hit_of(const struct perf_record *record, const struct probes *probes, enum probe probe)
{
    return record->kind == PERF_HIT && record->has_regs && probes->kinds[record->probe] == probe;
}

/* A join or a detach. */
static bool has_place(const struct perf_record *record, const struct probes *probes)
{
    return record->kind == PERF_HIT && record->has_regs && probes->kinds[record->probe] < PROBE_CREATED;
}

/* ---- what to unwind: creations, and code addresses as threads without a stack ------------------- */

struct work {
    struct snapshot_sample *samples; /* two for each record at most */
    uint64_t (*regs)[SNAPSHOT_REGS]; /* of the addresses */
    size_t *of_record;               /* index of the record of a sample */
    size_t count, address_count;
};

static void add_stack(struct work *work, const struct perf_record *record, size_t index)
{
    work->of_record[work->count] = index;
    work->samples[work->count++] =
        (struct snapshot_sample){record->tid, record->regs, record->stack, record->stack_size};
}

static void add_address(struct work *work, uint64_t address, size_t index)
{
    uint64_t *regs = work->regs[work->address_count++];
    regs[SNAPSHOT_REG_PC] = address;
    work->of_record[work->count] = index;
    work->samples[work->count++] = (struct snapshot_sample){0, regs, NULL, 0};
}

static void collect(struct work *work, struct batch *batch, const struct probes *probes)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct perf_record *record = &batch->records[i];
        if (is_hit_of(record, probes, PROBE_CREATE)) {
            add_stack(work, record, i);
            add_address(work, record->regs[ARG_2], i);
        } else if (has_place(record, probes) && record->stack_size >= sizeof(uint64_t)) {
            memcpy(&batch->resolved[i].caller, record->stack, sizeof(uint64_t));
            add_address(work, batch->resolved[i].caller, i);
        }
    }
}

static bool work_new(struct work *work, size_t records)
{
    *work = (struct work){.samples = calloc(2 * records + 1, sizeof(*work->samples)),
                          .regs = calloc(2 * records + 1, sizeof(*work->regs)),
                          .of_record = calloc(2 * records + 1, sizeof(*work->of_record))};
    return work->samples && work->regs && work->of_record;
}

static void work_release(struct work *work)
{
    free(work->samples);
    free(work->regs);
    free(work->of_record);
}

/* ---- results ---------------------------------------------------------------------------------------- */

static bool is_in(uint64_t pc, uint64_t start, uint64_t end)
{
    return pc > start && pc <= end;
}

/* The first frame is pthread_create itself. */
static void set_site(struct resolved *resolved, const struct perf_record *record, const struct stack *stack,
                     const struct probes *probes, struct writer *writer)
{
    ledger_pc frames[DEPTH];
    uint32_t count = 0;
    size_t first = 1;
    if (stack->count > 1 && is_in(stack->frames[1].pc, probes->c11, probes->c11_end))
        first = 2;
    else
        resolved->by_libc = stack->count > 1 && is_in(stack->frames[1].pc, probes->start, probes->end);
    resolved->cut = stack->is_cut;
    for (size_t i = first; i < stack->count && count < DEPTH; i++)
        frames[count++] = writer_code(writer, &stack->frames[i]);
    if (!count || resolved->by_libc)
        return;
    bool truncated = stack->incomplete || stack->count - first > DEPTH;
    resolved->site = writer_site(writer, frames, count, truncated ? SITE_TRUNCATED : 0, record->regs[ARG_2],
                                 resolved->start_pc);
}

static void take_result(struct batch *batch, const struct work *work, size_t sample,
                        const struct stack *stack, const struct probes *probes, struct writer *writer)
{
    size_t index = work->of_record[sample];
    struct resolved *resolved = &batch->resolved[index];
    if (!stack || !stack->count)
        return;
    if (work->samples[sample].tid)
        set_site(resolved, &batch->records[index], stack, probes, writer);
    else if (resolved->caller)
        resolved->place = writer_code(writer, &stack->frames[0]);
    else
        resolved->start_pc = writer_code(writer, &stack->frames[0]);
}

/* From the last to the first: the start routine of a creation is needed for its site. */
static bool unwind(struct batch *batch, const struct work *work, struct snapshot *snapshot,
                   const struct probes *probes, struct writer *writer, struct error *error)
{
    struct unwinder *unwinder = unwinder_new(snapshot, error);
    if (!unwinder)
        return false;
    for (size_t i = work->count; i-- > 0;)
        take_result(batch, work, i, unwind_thread(unwinder, i), probes, writer);
    unwinder_free(unwinder);
    return true;
}

bool batch_unresolved(struct batch *batch, struct perf_record *records, size_t count)
{
    *batch = (struct batch){records, calloc(count + 1, sizeof(*batch->resolved)), count};
    if (batch->resolved)
        return true;
    batch_release(batch);
    return false;
}

bool batch_resolve(struct batch *batch, struct perf_record *records, size_t count, pid_t pid,
                   const struct probes *probes, struct writer *writer, struct error *error)
{
    struct work work = {0};
    struct snapshot *snapshot = NULL;
    bool ok = batch_unresolved(batch, records, count) && work_new(&work, count);
    if (ok)
        collect(&work, batch, probes);
    else
        error_set(error, "out of memory");
    if (ok && work.count)
        ok = snapshot_of_samples(pid, work.samples, work.count, &snapshot, error) == SNAPSHOT_OK &&
             unwind(batch, &work, snapshot, probes, writer, error);
    snapshot_free(snapshot);
    work_release(&work);
    return ok;
}

void batch_release(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        free(batch->records[i].stack);
    free(batch->records);
    free(batch->resolved);
    *batch = (struct batch){0};
}
