/* Creations of threads that failed, by site and error. */
#include <stdlib.h>

#include "base/array.h"
#include "leak/process_build.h"
#include "leak/sites.h"

static struct failed_creation *find(struct process_report *process, stack_key key, uint32_t error)
{
    for (size_t i = 0; i < process->failed_count; i++)
        if (process->failed[i].key == key && process->failed[i].error == fail_error_name(error))
            return &process->failed[i];
    return NULL;
}

static bool add(struct build *build, const struct site_record *record, uint32_t error)
{
    const struct ledger *ledger = build->evidence->ledger;
    struct process_report *process = &build->process;
    const struct creation_stack *stack = &record->stack;
    const struct frame *start = stack_function(ledger, build->rules->symbolizer, stack->site->start_pc);
    stack_key key = stack_key_with_start(record->key, start);
    struct failed_creation *failed = find(process, key, error);
    if (!failed) {
        if (!ARRAY_GROW(process->failed, process->failed_count))
            return false;
        failed = &process->failed[process->failed_count++];
        *failed = (struct failed_creation){.key = key, .error = fail_error_name(error)};
        failed->place.start_routine = start;
        failed->place.truncated = stack->site->flags & (SITE_TRUNCATED | SITE_NO_UNWINDER);
        if (!stack_build(ledger, build->rules->symbolizer, stack->frames, stack->count, &failed->place))
            return false;
    }
    failed->count += stack->site->failed[error];
    process->counts.failed += stack->site->failed[error];
    return true;
}

/* The shim may be writing it. */
static void add_latest(struct build *build, const struct site_records *records)
{
    const struct ledger_failure *latest = &build->header->failure;
    uint64_t now = build->evidence->now_ns;
    if (!latest->seq || latest->seq & 1 || latest->error >= FAIL_KINDS)
        return;
    const struct site_record *record = &records->items[site_record_index(records, latest->site)];
    const struct frame *start =
        stack_function(build->evidence->ledger, build->rules->symbolizer, record->stack.site->start_pc);
    struct failed_creation *failed =
        find(&build->process, stack_key_with_start(record->key, start), latest->error);
    if (!failed)
        return;
    failed->latest = true;
    failed->created_by = latest->created_by;
    failed->threads = latest->threads;
    failed->unjoined = latest->unjoined;
    failed->ago_s = now > latest->ns ? (double)(now - latest->ns) / 1e9 : now ? 0 : -1;
}

static bool mark_failed(struct site_records *records)
{
    bool any = false;
    for (size_t i = 0; i < records->count; i++)
        for (uint32_t error = 0; records->items[i].stack.site && error < FAIL_KINDS; error++)
            if (records->items[i].stack.site->failed[error])
                any = records->items[i].has_key = true;
    return any;
}

static bool add_all(struct build *build, const struct site_records *records)
{
    for (size_t i = 0; i < records->count; i++)
        for (uint32_t error = 0; records->items[i].stack.site && error < FAIL_KINDS; error++)
            if (records->items[i].stack.site->failed[error] && !add(build, &records->items[i], error))
                return false;
    add_latest(build, records);
    return true;
}

bool build_failures(struct build *build)
{
    const struct ledger *ledger = build->evidence->ledger;
    struct site_records records = {.count = 0};
    bool done = site_records_read(&records, ledger);
    if (done && mark_failed(&records))
        done = site_records_find_keys(&records, ledger, build->rules->symbolizer) && add_all(build, &records);
    site_records_release(&records);
    return done;
}
