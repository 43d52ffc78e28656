/* One JSON object for each sample, one a line. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "cli/watch/print.h"
#include "cli/watch/words.h"

static json_t *seconds_json(double seconds)
{
    return seconds < 0 ? json_null() : json_real(round(seconds * 1000) / 1000);
}

static json_t *time_json(void)
{
    struct timespec now;
    struct tm utc;
    char text[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, sizeof(text) - length, ".%03ldZ", now.tv_nsec / 1000000);
    return json_text(text);
}

/* Of a process that is not watched only the live threads are known. */
static void set_count(json_t **object, const char *key, uint64_t count, bool known)
{
    set_value(object, key, known ? json_integer((json_int_t)count) : json_null());
}

static void set_counts(json_t **json, const struct site_threads *threads, bool watched)
{
    uint64_t failed = 0;
    for (int error = 0; error < FAIL_KINDS; error++)
        failed += threads->failed[error];
    set_count(json, "created", threads->created, watched);
    set_count(json, "joined", threads->joined, watched);
    set_count(json, "detached", threads->detached, watched);
    set_count(json, "ended", threads->ended, watched);
    set_count(json, "failed", failed, watched);
    set_count(json, "joinable_alive", threads->joinable, watched);
    set_count(json, "detached_alive", threads->alive_detached, watched);
    set_count(json, "unjoined", threads->unjoined, watched);
    set_count(json, "untracked", threads->untracked, true);
}

static json_t *growth_json(const struct watched_site *site)
{
    const struct series *series = site->alive.grows ? &site->alive : &site->unjoined;
    const struct growth *growth = &series->growth;
    if (!series->grows)
        return json_null();
    json_t *json = json_object();
    set_text(&json, "of", series == &site->alive ? "alive" : "unjoined");
    set_number(&json, "from", (int64_t)growth->from.count);
    set_number(&json, "to", (int64_t)growth->to.count);
    set_value(&json, "seconds", seconds_json(growth->to.at_s - growth->from.at_s));
    set_value(&json, "per_s", json_real(round(growth->per_s * 1e6) / 1e6));
    set_value(&json, "doubling_s", seconds_json(series_doubling_s(series)));
    return json;
}

static json_t *site_json(const struct watched *watched, size_t index)
{
    const struct site_count *item = &watched->counts.items[index];
    const struct watched_site *site = &watched->sites[index];
    const struct frame *creator = creator_frame(item->place), *start = item->place->start_routine;
    json_t *json = json_object();
    set_text(&json, "fingerprint", item->fingerprint);
    set_text(&json, "function", creator ? creator->function : NULL);
    set_text(&json, "file", creator ? creator->file : NULL);
    set_count(&json, "line", creator ? (uint64_t)creator->line : 0, creator && creator->line > 0);
    set_text(&json, "start_routine", start ? start->function : NULL);
    set_counts(&json, &item->threads, watched->counts.watched);
    set_value(&json, "oldest_s", seconds_json(item->oldest_s));
    set_value(&json, "oldest_unjoined_s", seconds_json(item->oldest_unjoined_s));
    set_value(&json, "per_s", json_real(round(series_rate(&site->alive) * 1e6) / 1e6));
    set_value(&json, "growth", growth_json(site));
    set_text(&json, "suppressed_by", watched_site_rule(site));
    return json;
}

static json_t *finding_json(const struct watched *watched, size_t site, enum watch_why why)
{
    struct line line = {.length = 0};
    json_t *json = json_object();
    line_add_verdict(&line, watched, site, why);
    set_text(&json, "code", why_code(why));
    set_text(&json, "level", "likely");
    set_text(&json, "text", line.text);
    set_text(&json, "fingerprint", watched->counts.items[site].fingerprint);
    set_value(&json, "threads", json_array());
    set_value(&json, "evidence", json_array());
    return json;
}

static json_t *findings_of(const struct watched *watched)
{
    json_t *list = json_array();
    for (size_t i = 0; i < watched->site_count; i++)
        for (int why = 0; why < WATCH_WHYS; why++)
            if (watched->sites[i].now[why])
                append_value(&list, finding_json(watched, i, (enum watch_why)why));
    return list;
}

static json_t *limit_json(const struct watched *watched)
{
    double left;
    const struct process_limit *limit = watched_nearest_limit(watched, &left);
    if (!limit)
        return json_null();
    json_t *json = json_object();
    set_text(&json, "name", limit->name);
    set_number(&json, "used", (int64_t)limit->used);
    set_number(&json, "limit", (int64_t)limit->most);
    set_value(&json, "left_s", seconds_json(left));
    return json;
}

static void set_sample(json_t **json, const struct watched *watched)
{
    json_t *threads = json_object(), *sites = json_array(), *findings = findings_of(watched);
    set_counts(&threads, &watched->counts.total, watched->counts.watched);
    set_number(&threads, "tasks", (int64_t)watched->tasks);
    set_value(&threads, "oldest_s", seconds_json(watched->counts.oldest_s));
    for (size_t i = 0; i < watched->site_count; i++)
        if (site_count_is_used(&watched->counts.items[i]))
            append_value(&sites, site_json(watched, i));
    set_bool(json, "watched", watched->counts.watched);
    set_value(json, "threads", threads);
    set_value(json, "sites", sites);
    set_value(json, "nearest_limit", limit_json(watched));
    const json_t *first = json_array_get(findings, 0);
    set_text(json, "verdict", first ? json_string_value(json_object_get(first, "text")) : NULL);
    set_value(json, "findings", findings);
}

bool print_sample(FILE *out, const struct watched *watched, const char *error)
{
    json_t *json = json_object();
    set_text(&json, "schema", "threadleak/1");
    set_text(&json, "type", "sample");
    set_value(&json, "time", time_json());
    set_number(&json, "pid", watched->pid);
    set_value(&json, "start_time", seconds_json(watched->started_s));
    set_text(&json, "exe", watched->exe);
    set_text(&json, "error", error);
    if (!error)
        set_sample(&json, watched);
    if (!json) {
        errno = ENOMEM;
        return false;
    }
    bool written = json_put(out, json, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12)) &&
                   putc('\n', out) != EOF && fflush(out) == 0;
    json_decref(json);
    return written;
}
