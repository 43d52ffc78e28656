#include "cli/serve/sampled.h"

#include "base/clock.h"

/* Of the time, at most one part in so many goes into reading the stacks of a process. */
enum { STACKS_SHARE = 50 };

bool sampled_open(struct sampled *sampled, const struct listed_process *process, struct error *error)
{
    *sampled = (struct sampled){.pid = process->pid, .start = process->start, .stacks = {-1, -1, -1}};
    sampled->sampler = sampler_open(process->pid, error);
    return sampled->sampler != NULL;
}

void sampled_close(struct sampled *sampled)
{
    site_counts_release(&sampled->counts);
    site_growths_release(&sampled->growths);
    site_table_free(sampled->table);
    sampler_close(sampled->sampler);
}

/* ---- parts of the metrics ----------------------------------------------------------------- */

static bool count_sites(struct sampled *sampled, const struct sample *sample, struct symbolizer *symbolizer)
{
    if (sampled->table && sampled->program != sample->program) {
        site_growths_release(&sampled->growths);
        site_table_free(sampled->table);
        sampled->table = NULL;
    }
    if (!sampled->table)
        sampled->table = site_table_new(symbolizer);
    sampled->program = sample->program;
    symbolizer_see_as(symbolizer, sampled->pid);
    site_counts_release(&sampled->counts);
    return sampled->table && site_counts_of_sample(&sampled->counts, sampled->table, sample);
}

static void add_ages(struct metrics_ages *ages, const struct sample *sample)
{
    for (size_t i = 0; i < sample->threads.count; i++) {
        const struct ledger_slot *slot = &sample->threads.slots[i];
        unsigned kind = ledger_slot_kind(slot->state);
        if (kind == KIND_RUNNING || kind == KIND_DETACHED)
            metrics_ages_add(ages, slot->created_ns > sample->now_ns
                                       ? 0
                                       : (double)(sample->now_ns - slot->created_ns) / 1e9);
    }
}

static void read_stacks(struct sampled *sampled, const struct sample *sample, uint64_t of_ns)
{
    uint64_t begin = now_ns();
    if (!sample->ledger || sampled->stacks_at_ns > of_ns ||
        begin < sampled->stacks_at_ns + sampled->stacks_took_ns * STACKS_SHARE)
        return;
    stack_bytes_read(&sampled->stacks, sampled->pid, &sample->threads);
    sampled->stacks_at_ns = now_ns();
    sampled->stacks_took_ns = sampled->stacks_at_ns - begin;
}

static void add_limits(struct metrics_process *metrics, const struct sampled *sampled,
                       const struct listed_process *process, const struct sampling *sampling)
{
    struct thread_limit limits[THREAD_LIMITS];
    const struct limited_process limited = {
        sampled->pid, &process->status,
        sampling->list ? processes_tasks_of(sampling->list, process->status.user) : -1,
        sampled->stacks.mappings};
    metrics->limit_count = thread_limits_read(limits, &limited, &sampling->limits);
    for (size_t i = 0; i < metrics->limit_count; i++)
        metrics->limits[i] = (struct metrics_limit){limits[i].name, limits[i].value, limits[i].used};
}

/* ---- one sample ---------------------------------------------------------------------------------- */

static void fill(struct sampled *sampled, const struct sample *sample, const struct listed_process *process,
                 const struct sampling *sampling)
{
    struct metrics_process *metrics = &sampled->metrics;
    read_stacks(sampled, sample, sampling->stacks_of_ns);
    metrics->pid = sampled->pid;
    metrics->exe = sample->exe;
    metrics->sites = &sampled->counts;
    metrics->ages = (struct metrics_ages){.count = 0};
    add_ages(&metrics->ages, sample);
    metrics->stack_reserved = sampled->stacks.reserved;
    metrics->stack_resident = sampled->stacks.resident;
    add_limits(metrics, sampled, process, sampling);
    metrics->findings[FINDING_GROWING][FINDING_LIKELY] =
        site_growths_add(&sampled->growths, &sampled->counts, (double)sample->now_ns / 1e9);
}

bool sampled_read(struct sampled *sampled, const struct listed_process *process,
                  const struct sampling *sampling, struct error *error)
{
    struct sample sample;
    sampled->shown = false;
    if (sampler_read(sampled->sampler, &sample, error) != SAMPLE_OK)
        return false;
    sampled->shown = count_sites(sampled, &sample, sampling->symbolizer);
    if (sampled->shown)
        fill(sampled, &sample, process, sampling);
    else
        error_set(error, "out of memory");
    sample_release(&sample);
    return sampled->shown;
}
