#include "cli/serve/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/shim.h"
#include "cli/serve/processes.h"
#include "cli/serve/sampled.h"
#include "proc/process.h"

/* The symbolizer keeps what it has read of processes that have ended. After so many it begins anew. */
enum { PROCESSES_BEFORE_RENEWAL = 256 };
enum {
    STACKS_NS = 10000000 /* of a sample, to read stacks; less than that to read those of one process more */
};

struct fleet {
    bool all_users;
    struct symbolizer *symbolizer;
    struct sampled *items; /* by ascending pid */
    size_t count, opened;
    struct metrics_process *shown;
};

struct fleet *fleet_new(bool all_users)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));
    if (!fleet)
        return NULL;
    fleet->all_users = all_users;
    fleet->symbolizer = symbolizer_new(false);
    if (fleet->symbolizer)
        return fleet;
    free(fleet);
    return NULL;
}

static void close_all(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->count; i++)
        sampled_close(&fleet->items[i]);
    free(fleet->items);
    fleet->items = NULL;
    fleet->count = 0;
}

void fleet_free(struct fleet *fleet)
{
    if (!fleet)
        return;
    close_all(fleet);
    symbolizer_free(fleet->symbolizer);
    free(fleet->shown);
    free(fleet);
}

/* Findings of the processes are lost, until the next search. */
static void renew_if_large(struct fleet *fleet)
{
    if (fleet->opened < PROCESSES_BEFORE_RENEWAL + 4 * fleet->count)
        return;
    struct symbolizer *symbolizer = symbolizer_new(false);
    if (!symbolizer)
        return;
    close_all(fleet);
    symbolizer_free(fleet->symbolizer);
    fleet->symbolizer = symbolizer;
    fleet->opened = 0;
}

/* ---- the processes ------------------------------------------------------------------------ */

static struct sampled *find(struct fleet *fleet, const struct listed_process *process)
{
    for (size_t i = 0; i < fleet->count; i++)
        if (fleet->items[i].pid == process->pid && fleet->items[i].start == process->start)
            return &fleet->items[i];
    return NULL;
}

/* NULL with an error. */
static struct sampled *find_or_open(struct fleet *fleet, const struct listed_process *process,
                                    struct error *error)
{
    struct sampled *found = find(fleet, process);
    if (found)
        return found;
    if (!ARRAY_GROW(fleet->items, fleet->count)) {
        error_set(error, "out of memory");
        return NULL;
    }
    if (!sampled_open(&fleet->items[fleet->count], process, error))
        return NULL;
    fleet->opened++;
    return &fleet->items[fleet->count++];
}

static void remove_unlisted(struct fleet *fleet)
{
    size_t kept = 0;
    for (size_t i = 0; i < fleet->count; i++)
        if (fleet->items[i].listed)
            fleet->items[kept++] = fleet->items[i];
        else
            sampled_close(&fleet->items[i]);
    fleet->count = kept;
}

/* Without a list of all processes. */
static void remove_ended(struct fleet *fleet)
{
    struct listed_process process;
    for (size_t i = 0; i < fleet->count; i++) {
        struct sampled *item = &fleet->items[i];
        item->listed = process_look(item->pid, fleet->all_users, &process) == PROCESS_SERVED &&
                       process.start == item->start;
    }
    remove_unlisted(fleet);
}

/* The metrics point into items, which do not move any more. */
static const struct metrics_process *show(struct fleet *fleet, size_t *count)
{
    struct metrics_process *shown = realloc(fleet->shown, (fleet->count + 1) * sizeof(*shown));
    if (!shown)
        return NULL;
    fleet->shown = shown;
    *count = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        struct sampled *item = &fleet->items[i];
        item->metrics.sites = &item->counts;
        if (item->shown && item->counts.watched)
            shown[(*count)++] = item->metrics;
    }
    return shown;
}

static void sample_listed(struct fleet *fleet, const struct listed_process *process,
                          const struct sampling *sampling)
{
    struct error ignored;
    if (!find(fleet, process) && !process_maps_file(process->pid, SHIM_NAME))
        return;
    struct sampled *item = find_or_open(fleet, process, &ignored);
    if (item)
        item->listed = sampled_read(item, process, sampling, &ignored);
}

static int by_age_of_stacks(const void *left, const void *right)
{
    const struct sampled *a = *(const struct sampled *const *)left,
                         *b = *(const struct sampled *const *)right;
    return (a->stacks_at_ns > b->stacks_at_ns) - (a->stacks_at_ns < b->stacks_at_ns);
}

/* Reading the mappings of many processes takes longer than all else. So each sample reads only the stacks
 * that were read longest ago, as far as there is time. */
static uint64_t choose_stacks(const struct fleet *fleet)
{
    const struct sampled **items = calloc(fleet->count + 1, sizeof(*items));
    uint64_t of_ns = 0, took_ns = 0;
    for (size_t i = 0; items && i < fleet->count; i++)
        items[i] = &fleet->items[i];
    if (items)
        qsort(items, fleet->count, sizeof(*items), by_age_of_stacks);
    for (size_t i = 0; items && i < fleet->count && took_ns < STACKS_NS; i++) {
        of_ns = items[i]->stacks_at_ns;
        took_ns += items[i]->stacks_took_ns;
    }
    free(items);
    return of_ns;
}

const struct metrics_process *fleet_sample(struct fleet *fleet, size_t *count)
{
    struct listed_processes list;
    struct sampling sampling = {.list = &list};
    renew_if_large(fleet);
    sampling.symbolizer = fleet->symbolizer;
    sampling.stacks_of_ns = choose_stacks(fleet);
    bool listed = processes_list(&list, fleet->all_users);
    system_limits_read(&sampling.limits);
    for (size_t i = 0; i < fleet->count; i++)
        fleet->items[i].listed = false;
    for (size_t i = 0; listed && i < list.count; i++)
        if (list.items[i].access == PROCESS_SERVED)
            sample_listed(fleet, &list.items[i], &sampling);
    processes_release(&list);
    remove_unlisted(fleet);
    return listed ? show(fleet, count) : NULL;
}

/* ---- one process ----------------------------------------------------------------------------- */

static bool may_be_served(struct fleet *fleet, pid_t pid, struct listed_process *process, struct error *error)
{
    switch (process_look(pid, fleet->all_users, process)) {
    case PROCESS_SERVED:
        return true;
    case PROCESS_OF_ANOTHER_USER:
        return error_set(error, "process %d is of another user; see --all-users", (int)pid);
    default:
        return error_set(error, "no process %d", (int)pid);
    }
}

const struct metrics_process *fleet_sample_one(struct fleet *fleet, pid_t pid, struct error *error)
{
    struct listed_process process;
    struct sampling sampling = {.list = NULL, .stacks_of_ns = UINT64_MAX};
    remove_ended(fleet);
    if (!may_be_served(fleet, pid, &process, error))
        return NULL;
    renew_if_large(fleet);
    sampling.symbolizer = fleet->symbolizer;
    system_limits_read(&sampling.limits);
    struct sampled *item = find_or_open(fleet, &process, error);
    if (!item || !sampled_read(item, &process, &sampling, error))
        return NULL;
    return &item->metrics;
}

/* ---- findings -------------------------------------------------------------------------------- */

static void count_findings(struct metrics_process *metrics, const struct findings *findings)
{
    memset(metrics->findings, 0, sizeof(metrics->findings));
    for (size_t i = 0; i < findings->count; i++)
        if (!findings->items[i].suppressed_by)
            metrics->findings[findings->items[i].code][findings->items[i].level]++;
}

void fleet_keep_findings(struct fleet *fleet, const struct report *report)
{
    struct listed_process process;
    struct error ignored;
    remove_ended(fleet);
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *read = &report->processes[i];
        if (process_look(read->pid, fleet->all_users, &process) != PROCESS_SERVED)
            continue;
        struct sampled *item = find_or_open(fleet, &process, &ignored);
        if (item)
            count_findings(&item->metrics, &read->findings);
    }
}
