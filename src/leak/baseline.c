#include "leak/baseline.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/path.h"

#define FINGERPRINT_LENGTH (sizeof(((struct leak_group *)0)->fingerprint) - 1)

struct entry {
    char fingerprint[FINGERPRINT_LENGTH + 1];
    uint64_t threads;
    bool seen;
    const struct leak_group *group; /* the first one, when it is written */
};

struct baseline {
    struct entry *entries;
    size_t count;
};

/* ---- read ------------------------------------------------------------------------------ */

static bool read_entry(const json_t *json, struct entry *entry)
{
    const json_t *threads = json_object_get(json, "threads");
    const char *fingerprint = json_string_value(json_object_get(json, "fingerprint"));
    if (!fingerprint || strlen(fingerprint) != FINGERPRINT_LENGTH ||
        fingerprint[strspn(fingerprint, "0123456789abcdef")] || !json_is_integer(threads) ||
        json_integer_value(threads) < 1)
        return false;
    *entry = (struct entry){.threads = (uint64_t)json_integer_value(threads)};
    memcpy(entry->fingerprint, fingerprint, FINGERPRINT_LENGTH);
    return true;
}

static struct entry *find(const struct baseline *baseline, const char *fingerprint)
{
    for (size_t i = 0; i < baseline->count; i++)
        if (!strcmp(baseline->entries[i].fingerprint, fingerprint))
            return &baseline->entries[i];
    return NULL;
}

static bool read_entries(struct baseline *baseline, const json_t *leaks, const char *path,
                         struct error *error)
{
    size_t count = json_array_size(leaks);
    baseline->entries = calloc(count + 1, sizeof(*baseline->entries));
    if (!baseline->entries)
        return error_set(error, "%s: out of memory", path);
    for (size_t i = 0; i < count; i++) {
        struct entry entry;
        if (!read_entry(json_array_get(leaks, i), &entry))
            return error_set(
                error,
                "%s: leak %zu has no \"fingerprint\" of 16 hexadecimal digits, or no \"threads\" of 1 "
                "and more",
                path, i + 1);
        struct entry *same = find(baseline, entry.fingerprint); /* after a merge of two branches */
        if (!same)
            baseline->entries[baseline->count++] = entry;
        else if (entry.threads > same->threads)
            same->threads = entry.threads;
    }
    return true;
}

static json_t *load(const char *path, struct error *error)
{
    json_error_t wrong;
    FILE *file = fopen(path, "re");
    if (!file) {
        error_set(error, "%s: cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    errno = 0;
    json_t *json = json_loadf(file, JSON_REJECT_DUPLICATES, &wrong);
    if (!json && ferror(file))
        error_set(error, "%s: cannot be read: %s", path, strerror(errno));
    else if (!json)
        error_set(error, "%s:%d:%d: is not a baseline: %s", path, wrong.line, wrong.column, wrong.text);
    fclose(file);
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
    if (!read_entries(baseline, leaks, path, error)) {
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
    free(baseline->entries);
    free(baseline);
}

/* ---- apply ----------------------------------------------------------------------------- */

/* Number of threads in one process, of groups that count, or that would count without the baseline. */
static uint64_t threads_of(const struct process_report *process, const char *fingerprint)
{
    uint64_t threads = 0;
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        if ((group->counted || group->in_baseline) && !strcmp(group->fingerprint, fingerprint))
            threads += group->thread_count;
    }
    return threads;
}

static void accept(struct leak_group *group)
{
    group->in_baseline = true;
    group->counted = false;
    group->suppressed_by = BASELINE_WORD;
}

static void apply_to_group(struct baseline *baseline, const struct process_report *process,
                           struct leak_group *group)
{
    struct entry *entry = group->counted ? find(baseline, group->fingerprint) : NULL;
    if (!entry)
        return;
    entry->seen = true;
    group->known = entry->threads;
    if (threads_of(process, group->fingerprint) <= entry->threads)
        accept(group);
}

void baseline_apply(struct baseline *baseline, struct report *report)
{
    for (size_t p = 0; p < report->process_count; p++) {
        struct process_report *process = &report->processes[p];
        for (size_t i = 0; i < process->group_count; i++)
            apply_to_group(baseline, process, &process->groups[i]);
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
        process_report_sort(process);
    }
}

size_t baseline_gone(const struct baseline *baseline)
{
    size_t gone = 0;
    for (size_t i = 0; i < baseline->count; i++)
        gone += !baseline->entries[i].seen;
    return gone;
}

/* ---- write ------------------------------------------------------------------------------- */

static const char *function_of(const struct leak_group *group)
{
    const struct frame *frame = creator_frame(group);
    return frame && frame->function ? frame->function : "";
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = strcmp(function_of(a->group), function_of(b->group));
    return order ? order : strcmp(a->fingerprint, b->fingerprint);
}

static void collect(struct baseline *all, const struct process_report *process)
{
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        if (!group->counted && !group->in_baseline)
            continue;
        uint64_t threads = threads_of(process, group->fingerprint);
        struct entry *entry = find(all, group->fingerprint);
        if (!entry) {
            entry = &all->entries[all->count++];
            *entry = (struct entry){.group = group};
            memcpy(entry->fingerprint, group->fingerprint, sizeof(entry->fingerprint));
        }
        if (threads > entry->threads)
            entry->threads = threads;
    }
}

static json_t *entry_json(const struct entry *entry)
{
    const struct leak_group *group = entry->group;
    const struct frame *creator = creator_frame(group);
    json_t *json = json_object();
    set_text(&json, "fingerprint", entry->fingerprint);
    set_number(&json, "threads", (int64_t)entry->threads);
    set_text(&json, "kind", leak_kind_name(group->kind));
    set_text(&json, "function", creator ? creator->function : NULL);
    set_text(&json, "file", creator ? path_basename(creator->file) : NULL);
    set_text(&json, "start_routine", group->start_routine ? group->start_routine->function : NULL);
    return json;
}

bool baseline_write(FILE *out, const struct report *report, size_t *entries, size_t *threads)
{
    struct baseline all = {0};
    size_t most = 0;
    for (size_t p = 0; p < report->process_count; p++)
        most += report->processes[p].group_count;
    all.entries = calloc(most + 1, sizeof(*all.entries));
    json_t *leaks = json_array(), *json = NULL;
    bool done = all.entries != NULL;
    for (size_t p = 0; done && p < report->process_count; p++)
        collect(&all, &report->processes[p]);
    if (done && all.count)
        qsort(all.entries, all.count, sizeof(*all.entries), compare_entries);
    *threads = 0;
    for (size_t i = 0; done && i < all.count; i++) {
        *threads += all.entries[i].threads;
        done = json_array_append_new(leaks, entry_json(&all.entries[i])) == 0;
    }
    if (done)
        json = json_pack("{ss sO}", "schema", BASELINE_SCHEMA, "leaks", leaks);
    errno = json ? 0 : ENOMEM;
    done = json && json_dumpf(json, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 &&
           putc('\n', out) != EOF && fflush(out) == 0;
    json_decref(json);
    json_decref(leaks);
    free(all.entries);
    *entries = all.count;
    return done;
}
