#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "cli/watch/watched.h"

#define LIMITS_EVERY_S 10

uint64_t site_alive(const struct site_count *item)
{
    return item->threads.joinable + item->threads.alive_detached + item->threads.untracked;
}

const struct series *site_growth(const struct watched_site *site, enum watch_why why)
{
    const struct series *series = why == WATCH_UNJOINED_GROWS ? &site->unjoined : &site->alive;
    return series->grows ? series : NULL;
}

/* ---- open ---------------------------------------------------------------------------------------- */

bool watched_process_open(struct watched *watched, pid_t pid, struct error *error)
{
    *watched = (struct watched){.pid = pid, .started_s = -1, .is_new = true};
    watched->sampler = sampler_open(pid, error);
    if (!watched->sampler)
        return false;
    snprintf(watched->label, sizeof(watched->label), "%d", (int)pid);
    return true;
}

/* What belongs to one program. */
static void forget_sites(struct watched *watched)
{
    site_counts_release(&watched->counts);
    site_table_free(watched->table);
    symbolizer_free(watched->symbolizer);
    watch_rules_release(&watched->rules);
    sleeps_release(&watched->sleeps);
    free(watched->sites);
    watched->table = NULL;
    watched->symbolizer = NULL;
    watched->sites = NULL;
    watched->site_count = 0;
}

void watched_process_release(struct watched *watched)
{
    forget_sites(watched);
    sampler_close(watched->sampler);
    free(watched->exe);
    *watched = (struct watched){.pid = 0};
}

/* ---- a sample ------------------------------------------------------------------------------------ */

static void set_identity(struct watched *watched, const struct sample *sample)
{
    struct timespec now;
    char *name = NULL;
    size_t size;
    FILE *out = open_memstream(&name, &size);
    clock_gettime(CLOCK_REALTIME, &now);
    free(watched->exe);
    watched->exe = sample->exe ? strdup(sample->exe) : NULL;
    watched->start_ticks = sample->start_ticks;
    watched->started_s =
        (double)now.tv_sec - (double)(sample->now_ticks - sample->start_ticks) / (double)sample->ticks_per_s;
    if (!out)
        return;
    put_escaped(out, sample->name);
    fclose(out);
    snprintf(watched->label, sizeof(watched->label), "%d %s", (int)watched->pid, name);
    free(name);
}

static bool begin_program(struct watched *watched, const struct sample *sample,
                          const struct watch_options *options)
{
    if (watched->table && watched->program == sample->program)
        return true;
    forget_sites(watched);
    set_identity(watched, sample);
    watched->program = sample->program;
    watched->symbolizer = symbolizer_new(false);
    if (!watched->symbolizer)
        return false;
    symbolizer_see_as(watched->symbolizer, watched->pid);
    watched->table = site_table_new(watched->symbolizer);
    return watched->table && watch_rules_begin(&watched->rules, options->suppressions.rules, watched->exe);
}

static bool add_sites(struct watched *watched)
{
    size_t count = watched->counts.count;
    if (count <= watched->site_count)
        return true;
    struct watched_site *sites = realloc(watched->sites, count * sizeof(*sites));
    if (!sites)
        return false;
    memset(sites + watched->site_count, 0, (count - watched->site_count) * sizeof(*sites));
    watched->sites = sites;
    watched->site_count = count;
    return true;
}

/* ---- judging ------------------------------------------------------------------------------------- */

static bool is_of_unjoined(enum watch_why why)
{
    return why == WATCH_UNJOINED_GROWS || why == WATCH_UNJOINED || why == WATCH_UNJOINED_LONG;
}

static unsigned kind_of(const struct site_count *item, bool unjoined)
{
    bool detached = item->threads.alive_detached > item->threads.joinable;
    return unjoined ? KIND_UNJOINED : detached ? KIND_DETACHED : KIND_RUNNING;
}

static void suppress_site(struct watched *watched, size_t index)
{
    const struct site_count *item = &watched->counts.items[index];
    struct watched_site *site = &watched->sites[index];
    for (int why = 0; why < WATCH_WHYS; why++) {
        bool unjoined = is_of_unjoined((enum watch_why)why);
        if (!site->now[why])
            continue;
        if (!site->rule_known[unjoined])
            site->rule[unjoined] = watch_rule(&watched->rules, item, kind_of(item, unjoined));
        site->rule_known[unjoined] = true;
        site->now[why] = !site->rule[unjoined];
    }
}

const char *watched_site_rule(const struct watched_site *site)
{
    return site->rule[0] ? site->rule[0] : site->rule[1];
}

static void forget_rules(struct watched *watched)
{
    for (size_t i = 0; i < watched->site_count; i++)
        for (int unjoined = 0; unjoined < 2; unjoined++) {
            watched->sites[i].rule[unjoined] = NULL;
            watched->sites[i].rule_known[unjoined] = false;
        }
}

/* Of a process that is not watched the sites of its threads are not known. */
static void find_asleep(struct watched *watched, const struct sample *sample, double waiting_s)
{
    for (size_t i = 0; i < watched->site_count; i++)
        watched->sites[i].asleep = 0, watched->sites[i].asleep_s = 0;
    if (waiting_s <= 0 || !sample->ledger || !sleeps_read(&watched->sleeps, watched->pid, sample->now_ns))
        return;
    for (size_t i = 0; i < watched->sleeps.count; i++) {
        const struct sleep *sleep = &watched->sleeps.items[i];
        const struct ledger_slot *slot = thread_index_find(&sample->threads, sleep->tid);
        size_t at =
            slot && !(slot->state & SLOT_ENDED) ? site_table_find(watched->table, slot->site) : SIZE_MAX;
        double seconds = (double)(sample->now_ns - sleep->since_ns) / 1e9;
        if (at >= watched->site_count || seconds <= waiting_s)
            continue;
        watched->sites[at].asleep++;
        if (seconds > watched->sites[at].asleep_s)
            watched->sites[at].asleep_s = seconds;
    }
}

static void judge_site(struct watched *watched, size_t index, const struct watch_options *options)
{
    struct growth_rules rules[GROWTH_RULES];
    const struct site_count *item = &watched->counts.items[index];
    struct watched_site *site = &watched->sites[index];
    uint64_t alive = site_alive(item);
    growth_rules_set(rules, false, options->rises);
    series_add(&site->alive, watched->at_s, alive, rules);
    growth_rules_set(rules, true, options->rises);
    series_add(&site->unjoined, watched->at_s, item->threads.unjoined, rules);
    site->now[WATCH_GROWS] = site->alive.grows;
    site->now[WATCH_UNJOINED_GROWS] = site->unjoined.grows;
    site->now[WATCH_ALIVE] = options->alive && alive > options->alive;
    site->now[WATCH_UNJOINED] = options->unjoined && item->threads.unjoined > options->unjoined;
    site->now[WATCH_UNJOINED_LONG] = options->waiting_s > 0 && item->oldest_unjoined_s > options->waiting_s;
    site->now[WATCH_ASLEEP] = site->asleep;
    suppress_site(watched, index);
    for (int why = 0; why < WATCH_WHYS; why++)
        site->reported[why] = site->reported[why] && site->now[why];
}

bool watched_is_bad(const struct watched *watched)
{
    for (size_t i = 0; i < watched->site_count; i++)
        for (int why = 0; why < WATCH_WHYS; why++)
            if (watched->sites[i].now[why])
                return true;
    return false;
}

static double rate_of(const struct watched *watched, enum watch_why why)
{
    double rate = 0;
    for (size_t i = 0; i < watched->site_count; i++) {
        const struct series *series = site_growth(&watched->sites[i], why);
        rate += series && series->growth.per_s > 0 ? series->growth.per_s : 0;
    }
    return rate;
}

/* Threads that are created per second at growing sites and stay. */
static double rate_of_all(const struct watched *watched)
{
    return rate_of(watched, WATCH_GROWS) + rate_of(watched, WATCH_UNJOINED_GROWS);
}

/* Only while something grows: reading the mappings of 10,000 threads takes 20 ms. */
static void read_limits(struct watched *watched)
{
    bool due = watched->at_s - watched->limits_s >= LIMITS_EVERY_S;
    if (watched->samples == 1) {
        watched->first_tasks = watched->tasks;
        watched->first_resident = process_resident(watched->pid);
    }
    if (rate_of_all(watched) <= 0) {
        watched->limit_count = 0;
        watched->limits_s = 0;
        return;
    }
    if (watched->limits_s > 0 && !due)
        return;
    watched->limits_s = watched->at_s;
    watched->limit_count = process_limits_read(watched->pid, watched->limits);
}

static bool count_and_judge(struct watched *watched, const struct sample *sample,
                            const struct watch_options *options)
{
    struct site_counts counts;
    if (!begin_program(watched, sample, options) || !site_counts_of_sample(&counts, watched->table, sample))
        return false;
    site_counts_release(&watched->counts);
    watched->counts = counts;
    watched->at_s = (double)sample->now_ns / 1e9;
    watched->tasks = sample->tasks;
    watched->samples++;
    if (!add_sites(watched))
        return false;
    if (watch_rules_read(&watched->rules, sample))
        forget_rules(watched);
    find_asleep(watched, sample, options->waiting_s);
    for (size_t i = 0; i < counts.count; i++)
        judge_site(watched, i, options);
    read_limits(watched);
    return true;
}

bool watched_process_sample(struct watched *watched, const struct watch_options *options, struct error *error)
{
    struct sample sample;
    enum sample_status status = sampler_read(watched->sampler, &sample, error);
    watched->ended = status == SAMPLE_GONE;
    if (status != SAMPLE_OK)
        return false;
    bool done = count_and_judge(watched, &sample, options);
    sample_release(&sample);
    return done || error_set(error, "process %d: out of memory", (int)watched->pid);
}

/* ---- limits -------------------------------------------------------------------------------------- */

/* Memory: what the process has got since the first sample, for each thread. */
static double taken_by_thread(const struct watched *watched, const struct process_limit *limit)
{
    uint64_t resident = process_resident(watched->pid);
    if (limit->per_thread)
        return limit->per_thread;
    if (watched->tasks < watched->first_tasks + 8 || resident <= watched->first_resident)
        return 0;
    return (double)(resident - watched->first_resident) / (double)(watched->tasks - watched->first_tasks);
}

/* A thread that has ended unjoined keeps its stack, but no task. */
static double taken_per_s(const struct watched *watched, const struct process_limit *limit)
{
    bool tasks = limit->per_thread == 1;
    double rate = tasks ? rate_of(watched, WATCH_GROWS) : rate_of_all(watched);
    return rate * taken_by_thread(watched, limit);
}

const struct process_limit *watched_nearest_limit(const struct watched *watched, double *seconds)
{
    const struct process_limit *nearest = NULL;
    for (size_t i = 0; i < watched->limit_count; i++) {
        const struct process_limit *limit = &watched->limits[i];
        double taken = taken_per_s(watched, limit);
        double left = taken > 0 ? seconds_until(limit->used, limit->most, taken) : -1;
        if (left < 0 || (nearest && left >= *seconds))
            continue;
        nearest = limit;
        *seconds = left;
    }
    return nearest;
}
