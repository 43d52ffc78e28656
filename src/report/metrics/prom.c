/* The format "prom": metrics of all processes of a report, as Prometheus reads them from a file of
 * node_exporter's textfile collector. metrics.h has the document. */
#include <stdlib.h>
#include <string.h>

#include "report/metrics/metrics.h"
#include "report/common/format.h"

/* A process, and its sites with the number of untracked threads, which a ledger does not have. */
struct item {
    struct metrics_process metrics;
    struct site_counts sites;
};

/* False: some are not known, so that nothing can be said of all. */
static bool add_ages(struct metrics_ages *ages, const struct process_report *process)
{
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        for (size_t j = 0; j < group->thread_count && group->kind != LEAK_UNJOINED; j++) {
            if (group->threads[j].age_s < 0)
                return false;
            metrics_ages_add(ages, group->threads[j].age_s);
        }
    }
    return true;
}

static void add_limits(struct metrics_process *metrics, const struct measures *measures)
{
    metrics->stack_reserved = measures->stacks.reserved;
    metrics->stack_resident = measures->stacks.resident;
    for (size_t i = 0; i < measures->limit_count && i < METRICS_LIMITS; i++)
        metrics->limits[i] = (struct metrics_limit){measures->limits[i].name, measures->limits[i].value,
                                                    measures->limits[i].used};
    metrics->limit_count = measures->limit_count < METRICS_LIMITS ? measures->limit_count : METRICS_LIMITS;
}

static void add_findings(struct metrics_process *metrics, const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (!findings->items[i].suppressed_by)
            metrics->findings[findings->items[i].code][findings->items[i].level]++;
}

/* Of a report of several runs, which does not have all sites. */
static void count_groups(struct site_threads *total, const struct process_report *process)
{
    *total = (struct site_threads){.created = process->counts.created,
                                   .joined = process->counts.joined,
                                   .detached = process->counts.detached,
                                   .ended = process->counts.created - process->counts.alive};
    for (size_t i = 0; i < process->group_count; i++) {
        uint64_t *const states[LEAK_KINDS] = {&total->joinable, &total->alive_detached, &total->unjoined};
        *states[process->groups[i].kind] += process->groups[i].thread_count;
    }
    for (size_t i = 0; i < process->failed_count; i++)
        for (int error = 0; error < FAIL_KINDS; error++)
            if (!strcmp(process->failed[i].error, fail_error_name((enum ledger_fail)error)))
                total->failed[error] += process->failed[i].count;
}

static void fill(struct item *item, const struct process_report *process)
{
    item->sites = process->sites;
    item->sites.watched = process->watched;
    if (!process->sites.count)
        count_groups(&item->sites.total, process);
    item->sites.total.untracked = process->watched ? process->counts.untracked : process->untracked_count;
    item->metrics = (struct metrics_process){.pid = process->pid,
                                             .exe = process->exe,
                                             .sites = &item->sites,
                                             .stack_reserved = -1,
                                             .stack_resident = -1};
    item->metrics.ages_unknown = !add_ages(&item->metrics.ages, process);
    if (process->measures)
        add_limits(&item->metrics, process->measures);
    add_findings(&item->metrics, &process->findings);
}

/* A pid can be used again, and a program can run itself again by exec. Two equal series are an error, so the
 * last one is printed. */
static bool is_followed(const struct report *report, size_t index)
{
    const struct process_report *process = &report->processes[index];
    for (size_t i = index + 1; i < report->process_count; i++)
        if (report->processes[i].pid == process->pid &&
            !strcmp(report->processes[i].exe ? report->processes[i].exe : "",
                    process->exe ? process->exe : ""))
            return true;
    return false;
}

static bool print_prom(FILE *out, const struct report *report, const struct report_style *style)
{
    struct item *items = calloc(report->process_count + 1, sizeof(*items));
    struct metrics_process *processes = calloc(report->process_count + 1, sizeof(*processes));
    size_t count = 0;
    (void)style;
    for (size_t i = 0; i < report->process_count && items && processes; i++) {
        if (is_followed(report, i))
            continue;
        fill(&items[count], &report->processes[i]);
        processes[count] = items[count].metrics;
        count++;
    }
    bool done = items && processes && metrics_print(out, processes, count, METRICS_TEXT);
    free(processes);
    free(items);
    return done;
}

const struct report_format report_prom = {.name = "prom", .print = print_prom, .all_sites = true};
