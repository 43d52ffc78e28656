#include "report/metrics/metrics.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"
#include "base/text.h"
#include "report/metrics/sites.h"
#include "report/common/phrases.h"

enum { FUNCTION_WIDTH = 200 };

static const struct {
    double bound;
    const char *le; /* OpenMetrics wants a decimal point, and Prometheus compares texts */
} ages[METRICS_AGES] = {{1, "1.0"},         {10, "10.0"},         {60, "60.0"},
                        {600, "600.0"},     {3600, "3600.0"},     {21600, "21600.0"},
                        {86400, "86400.0"}, {604800, "604800.0"}, {2592000, "2592000.0"}};

void metrics_ages_add(struct metrics_ages *to, double seconds)
{
    size_t i = 0;
    if (seconds < 0)
        return;
    while (i < METRICS_AGES && seconds > ages[i].bound)
        i++;
    to->counts[i]++;
    to->count++;
    to->sum_s += seconds;
}

struct metrics {
    FILE *out;
    const struct metrics_process *processes;
    size_t count;
    bool open; /* OpenMetrics */
};

/* ---- lines --------------------------------------------------------------------------------- */

enum type { COUNTER, GAUGE, HISTOGRAM, INFO };

/* In OpenMetrics the family of a counter is named without _total, and that of an info without _info. */
static void put_head(const struct metrics *metrics, const char *name, enum type type, const char *help)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "info"};
    const char *suffix = type == COUNTER ? "_total" : type == INFO ? "_info" : "";
    fprintf(metrics->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, metrics->open ? "" : suffix, help, name,
            metrics->open ? "" : suffix, type == INFO && !metrics->open ? "gauge" : types[type]);
}

/* As a label has it, after \xNN replaced what a terminal would obey. */
static void put_value(FILE *out, const char *text)
{
    char *escaped = escaped_copy(text);
    for (const char *at = escaped; at && *at; at++) {
        if (*at == '\\' || *at == '"')
            putc('\\', out);
        putc(*at, out);
    }
    free(escaped);
}

static void put_label(FILE *out, const char *name, const char *value)
{
    fprintf(out, "%s=\"", name);
    put_value(out, value);
    fputs("\",", out);
}

static void put_process(FILE *out, const struct metrics_process *process)
{
    fprintf(out, "pid=\"%d\",exe=\"", (int)process->pid);
    put_value(out, process->exe ? process->exe : "");
    putc('"', out);
}

/* A sample with at most one label of its own. */
static void put_sample(const struct metrics *metrics, const struct metrics_process *process, const char *name,
                       const char *label, const char *value, uint64_t number)
{
    fprintf(metrics->out, "%s{", name);
    if (label)
        fprintf(metrics->out, "%s=\"%s\",", label, value);
    put_process(metrics->out, process);
    fprintf(metrics->out, "} %" PRIu64 "\n", number);
}

/* ---- families -------------------------------------------------------------------------------- */

static void put_states(const struct metrics *metrics)
{
    put_head(metrics, "threadleak_threads", GAUGE,
             "Threads that are alive, or unjoined: finished, joinable and never joined.");
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metrics_process *process = &metrics->processes[i];
        const struct site_threads *total = &process->sites->total;
        if (process->sites->watched) {
            put_sample(metrics, process, "threadleak_threads", "state", "joinable", total->joinable);
            put_sample(metrics, process, "threadleak_threads", "state", "detached", total->alive_detached);
            put_sample(metrics, process, "threadleak_threads", "state", "unjoined", total->unjoined);
        }
        put_sample(metrics, process, "threadleak_threads", "state", "untracked", total->untracked);
    }
}

/* Of watched processes; of others these are not known. */
static void put_counters(const struct metrics *metrics)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } counters[] = {
        {"threadleak_threads_created", "Threads that were created.", offsetof(struct site_threads, created)},
        {"threadleak_threads_joined", "Threads that were joined.", offsetof(struct site_threads, joined)},
        {"threadleak_threads_detached", "Threads that were created detached, or detached later.",
         offsetof(struct site_threads, detached)},
        {"threadleak_threads_ended", "Threads that have ended.", offsetof(struct site_threads, ended)},
    };
    for (size_t n = 0; n < sizeof(counters) / sizeof(*counters); n++) {
        char name[64];
        snprintf(name, sizeof(name), "%s_total", counters[n].name);
        put_head(metrics, counters[n].name, COUNTER, counters[n].help);
        for (size_t i = 0; i < metrics->count; i++) {
            const struct site_counts *sites = metrics->processes[i].sites;
            const void *value = (const char *)&sites->total + counters[n].offset;
            if (sites->watched)
                put_sample(metrics, &metrics->processes[i], name, NULL, NULL, *(const uint64_t *)value);
        }
    }
}

/* EAGAIN, a limit that was reached, is there before it happens, so that its first increase is seen. */
static void put_failures(const struct metrics *metrics)
{
    put_head(metrics, "threadleak_create_failures", COUNTER, "Creations of threads that failed.");
    for (size_t i = 0; i < metrics->count; i++)
        for (int error = 0; metrics->processes[i].sites->watched && error < FAIL_KINDS; error++) {
            uint64_t count = metrics->processes[i].sites->total.failed[error];
            if (count || error == FAIL_EAGAIN)
                put_sample(metrics, &metrics->processes[i], "threadleak_create_failures_total", "error",
                           fail_error_name((enum ledger_fail)error), count);
        }
}

static void put_site_labels(FILE *out, const struct site_count *site)
{
    const struct frame *frame = site ? metrics_frame(site) : NULL;
    char function[1024] = "", line[16] = "";
    if (frame)
        format_function(function, sizeof(function), frame, FUNCTION_WIDTH);
    if (frame && frame->file && frame->line > 0)
        snprintf(line, sizeof(line), "%d", frame->line);
    put_label(out, "site", site ? site->fingerprint : "other");
    put_label(out, "function", function);
    put_label(out, "file", frame && frame->file ? frame->file : "");
    put_label(out, "line", line);
}

static void put_site_state(const struct metrics *metrics, const struct metrics_process *process,
                           const struct site_count *site, const char *state, uint64_t number)
{
    if (!number)
        return;
    fputs("threadleak_site_threads{", metrics->out);
    put_site_labels(metrics->out, site);
    fprintf(metrics->out, "state=\"%s\",", state);
    put_process(metrics->out, process);
    fprintf(metrics->out, "} %" PRIu64 "\n", number);
}

static bool put_sites_of(const struct metrics *metrics, const struct metrics_process *process)
{
    struct metrics_sites sites;
    bool made = metrics_sites_make(&sites, process->sites);
    for (size_t i = 0; made && i < sites.count; i++) {
        const struct metrics_site *item = &sites.items[i];
        put_site_state(metrics, process, item->site, "joinable", item->joinable);
        put_site_state(metrics, process, item->site, "detached", item->detached);
        put_site_state(metrics, process, item->site, "unjoined", item->unjoined);
        put_site_state(metrics, process, item->site, "untracked", item->untracked);
    }
    metrics_sites_release(&sites);
    return made;
}

static bool put_sites(const struct metrics *metrics)
{
    bool done = true;
    put_head(metrics, "threadleak_site_threads", GAUGE, "Threads by the place that created them.");
    for (size_t i = 0; done && i < metrics->count; i++)
        done = put_sites_of(metrics, &metrics->processes[i]);
    return done;
}

static void put_ages(const struct metrics *metrics)
{
    static const char name[] = "threadleak_thread_age_seconds";
    put_head(metrics, name, HISTOGRAM, "Ages of the threads that are alive now.");
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metrics_process *process = &metrics->processes[i];
        uint64_t sum = 0;
        if (!process->sites->watched || process->ages_unknown)
            continue;
        for (size_t n = 0; n < METRICS_AGES; n++)
            put_sample(metrics, process, "threadleak_thread_age_seconds_bucket", "le", ages[n].le,
                       sum += process->ages.counts[n]);
        put_sample(metrics, process, "threadleak_thread_age_seconds_bucket", "le", "+Inf",
                   process->ages.count);
        fprintf(metrics->out, "%s_sum{", name);
        put_process(metrics->out, process);
        fprintf(metrics->out, "} %.3f\n", process->ages.sum_s);
        put_sample(metrics, process, "threadleak_thread_age_seconds_count", NULL, NULL, process->ages.count);
    }
}

static void put_stacks(const struct metrics *metrics)
{
    put_head(metrics, "threadleak_stack_bytes", GAUGE,
             "Stacks of threads: address space, and memory that is in use.");
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metrics_process *process = &metrics->processes[i];
        if (process->stack_reserved >= 0)
            put_sample(metrics, process, "threadleak_stack_bytes", "kind", "reserved",
                       (uint64_t)process->stack_reserved);
        if (process->stack_resident >= 0)
            put_sample(metrics, process, "threadleak_stack_bytes", "kind", "resident",
                       (uint64_t)process->stack_resident);
    }
}

static void put_limits(const struct metrics *metrics)
{
    put_head(metrics, "threadleak_thread_limit", GAUGE, "What limits the number of threads.");
    for (size_t i = 0; i < metrics->count; i++)
        for (size_t n = 0; n < metrics->processes[i].limit_count; n++)
            put_sample(metrics, &metrics->processes[i], "threadleak_thread_limit", "limit",
                       metrics->processes[i].limits[n].name, metrics->processes[i].limits[n].value);
    put_head(metrics, "threadleak_thread_limit_used", GAUGE, "How much of each limit is in use.");
    for (size_t i = 0; i < metrics->count; i++)
        for (size_t n = 0; n < metrics->processes[i].limit_count; n++)
            if (metrics->processes[i].limits[n].used >= 0)
                put_sample(metrics, &metrics->processes[i], "threadleak_thread_limit_used", "limit",
                           metrics->processes[i].limits[n].name,
                           (uint64_t)metrics->processes[i].limits[n].used);
}

static void put_findings_of(const struct metrics *metrics, const struct metrics_process *process)
{
    for (int code = 0; code < FINDING_CODES; code++)
        for (int level = 0; level < FINDING_LEVELS; level++) {
            if (!process->findings[code][level])
                continue;
            fprintf(metrics->out, "threadleak_findings{code=\"%s\",level=\"%s\",",
                    finding_name((enum finding_code)code), finding_level_name((enum finding_level)level));
            put_process(metrics->out, process);
            fprintf(metrics->out, "} %" PRIu64 "\n", process->findings[code][level]);
        }
}

static void put_findings(const struct metrics *metrics)
{
    put_head(metrics, "threadleak_findings", GAUGE, "Findings of the latest report, and sites that grow.");
    for (size_t i = 0; i < metrics->count; i++)
        put_findings_of(metrics, &metrics->processes[i]);
}

static void put_build(const struct metrics *metrics)
{
    put_head(metrics, "threadleak_build", INFO, "The version of threadleak.");
    for (size_t i = 0; i < metrics->count; i++)
        put_sample(metrics, &metrics->processes[i], "threadleak_build_info", "version", THREADLEAK_VERSION,
                   1);
    if (!metrics->count)
        fputs("threadleak_build_info{version=\"" THREADLEAK_VERSION "\"} 1\n", metrics->out);
}

/* ---- all ------------------------------------------------------------------------------------- */

const char *metrics_content_type(enum metrics_syntax syntax)
{
    return syntax == METRICS_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                  : "text/plain; version=0.0.4; charset=utf-8";
}

bool metrics_print(FILE *out, const struct metrics_process *processes, size_t count,
                   enum metrics_syntax syntax)
{
    const struct metrics metrics = {out, processes, count, syntax == METRICS_OPEN};
    put_states(&metrics);
    put_counters(&metrics);
    put_failures(&metrics);
    bool done = put_sites(&metrics);
    put_ages(&metrics);
    put_stacks(&metrics);
    put_limits(&metrics);
    put_findings(&metrics);
    put_build(&metrics);
    if (metrics.open)
        fputs("# EOF\n", out);
    return done;
}
