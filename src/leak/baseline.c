#include "leak/baseline.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "leak/baseline_entries.h"
#include "leak/process_build.h"

enum { BASELINE_BYTES_MAX = 256 << 20 };

/* ---- read ------------------------------------------------------------------------------ */

static bool read_entry(const json_t *json, struct baseline_entry *entry)
{
    const json_t *threads = json_object_get(json, "threads");
    const char *fingerprint = baseline_fingerprint(json);
    if (!fingerprint || !json_is_integer(threads) || json_integer_value(threads) < 1)
        return false;
    const json_t *sites = json_object_get(json, "sites");
    if (sites && (!json_is_integer(sites) || json_integer_value(sites) < 1))
        return false;
    *entry = (struct baseline_entry){.threads = (uint64_t)json_integer_value(threads),
                                     .sites = (uint64_t)json_integer_value(sites)};
    memcpy(entry->fingerprint, fingerprint, FINGERPRINT_LENGTH);
    const char *reason = json_string_value(json_object_get(json, "reason"));
    return !reason || (entry->reason = strdup(reason));
}

/* After a merge of two branches, a file may have two entries for one leak. */
static void merge(struct baseline_entry *same, struct baseline_entry *other)
{
    if (other->threads > same->threads)
        same->threads = other->threads;
    if (other->sites > same->sites)
        same->sites = other->sites;
    if (same->reason)
        free(other->reason);
    else
        same->reason = other->reason;
}

static bool read_entries(struct baseline *baseline, const json_t *leaks, const char *path,
                         struct error *error)
{
    size_t count = json_array_size(leaks);
    baseline->entries = calloc(count + 1, sizeof(*baseline->entries));
    if (!baseline->entries)
        return error_set(error, "%s: out of memory", path);
    for (size_t i = 0; i < count; i++) {
        struct baseline_entry entry = {.reason = NULL};
        if (!read_entry(json_array_get(leaks, i), &entry))
            return error_set(
                error,
                "%s: leak %zu has no \"fingerprint\" of 16 hexadecimal digits, no \"threads\" of 1 and more, "
                "or \"sites\" below 1",
                path, i + 1);
        struct baseline_entry *same = baseline_find(baseline, entry.fingerprint);
        if (same)
            merge(same, &entry);
        else
            baseline->entries[baseline->count++] = entry;
    }
    return true;
}

static json_t *load(const char *path, struct error *error)
{
    json_error_t wrong;
    size_t length = 0;
    char *text = input_read(path, BASELINE_BYTES_MAX, &length, error);
    if (!text)
        return NULL;
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &wrong);
    if (!json)
        error_set(error, "%s:%d:%d: is not a baseline: %s", path, wrong.line, wrong.column, wrong.text);
    free(text);
    return json;
}

struct baseline *baseline_read(const char *path, struct error *error)
{
    struct baseline *baseline = NULL;
    json_t *json = load(path, error);
    if (!json)
        return NULL;
    const char *schema = json_string_value(json_object_get(json, "schema"));
    const json_t *leaks = json_object_get(json, "leaks");
    if (!schema || strcmp(schema, BASELINE_SCHEMA) != 0 || !json_is_array(leaks)) {
        error_set(error, "%s: is not a baseline: its \"schema\" is not \"" BASELINE_SCHEMA "\"%s", path,
                  schema && !strcmp(schema, BASELINE_SCHEMA) ? ", or it has no \"leaks\"" : "");
        goto out;
    }
    baseline = calloc(1, sizeof(*baseline));
    if (!baseline) {
        error_set(error, "%s: out of memory", path);
        goto out;
    }
    if (!read_entries(baseline, leaks, path, error) ||
        !baseline_read_findings(baseline, json_object_get(json, "findings"), path, error)) {
        baseline_free(baseline);
        baseline = NULL;
    }
out:
    json_decref(json);
    return baseline;
}

void baseline_free(struct baseline *baseline)
{
    if (!baseline)
        return;
    for (size_t i = 0; i < baseline->count; i++)
        free(baseline->entries[i].reason);
    for (size_t i = 0; i < baseline->finding_count; i++)
        free(baseline->findings[i].reason);
    free(baseline->findings);
    free(baseline->entries);
    free(baseline);
}

/* ---- apply ----------------------------------------------------------------------------- */

static void accept(struct leak_group *group)
{
    group->in_baseline = true;
    group->counted = false;
    group->suppressed_by = BASELINE_WORD;
}

static void apply_to_group(struct baseline *baseline, const struct process_report *process,
                           struct leak_group *group)
{
    if (!group->counted)
        return;
    struct baseline_entry *entry = baseline_find(baseline, group->fingerprint);
    bool old = !entry;
    if (old)
        entry = baseline_find(baseline, group->old_fingerprint);
    if (!entry)
        return;
    entry->seen = true;
    entry->old |= old;
    group->known = entry->threads;
    group->known_sites = entry->sites;
    group->reason = entry->reason;
    const char *fingerprint = old ? group->old_fingerprint : group->fingerprint;
    struct baseline_numbers numbers = baseline_count(process, fingerprint, old);
    if (numbers.threads <= entry->threads && (!entry->sites || numbers.sites <= entry->sites))
        accept(group);
}

void baseline_apply(struct baseline *baseline, struct report *report)
{
    for (size_t p = 0; p < report->process_count; p++) {
        struct process_report *process = &report->processes[p];
        for (size_t i = 0; i < process->group_count; i++)
            apply_to_group(baseline, process, &process->groups[i]);
        process_suppress_lost_handles(process);
        baseline_apply_to_findings(baseline, &process->findings);
        process_report_sort(process);
    }
}

void baseline_accept(struct report *report)
{
    for (size_t p = 0; p < report->process_count; p++) {
        struct process_report *process = &report->processes[p];
        for (size_t i = 0; i < process->group_count; i++)
            if (process->groups[i].counted)
                accept(&process->groups[i]);
        baseline_accept_findings(&process->findings);
        process_report_sort(process);
    }
}

size_t baseline_gone(const struct baseline *baseline)
{
    size_t gone = 0;
    for (size_t i = 0; i < baseline->count; i++)
        gone += !baseline->entries[i].seen;
    for (size_t i = 0; i < baseline->finding_count; i++)
        gone += !baseline->findings[i].seen;
    return gone;
}

size_t baseline_old(const struct baseline *baseline)
{
    size_t old = 0;
    for (size_t i = 0; i < baseline->count; i++)
        old += baseline->entries[i].old;
    return old;
}
