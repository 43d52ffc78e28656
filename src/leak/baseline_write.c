#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/path.h"
#include "leak/baseline_entries.h"

static const char *function_of(const struct leak_group *group)
{
    const struct frame *frame = creator_frame(group);
    return frame && frame->function ? frame->function : "";
}

static int compare_entries(const void *left, const void *right)
{
    const struct baseline_entry *a = left, *b = right;
    int order = strcmp(function_of(a->group), function_of(b->group));
    return order ? order : strcmp(a->fingerprint, b->fingerprint);
}

static void collect(struct baseline *all, const struct process_report *process)
{
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        if (!baseline_has_group(group))
            continue;
        struct baseline_numbers numbers = baseline_count(process, group->fingerprint, false);
        struct baseline_entry *entry = baseline_find(all, group->fingerprint);
        if (!entry) {
            entry = &all->entries[all->count++];
            *entry = (struct baseline_entry){.group = group};
            memcpy(entry->fingerprint, group->fingerprint, sizeof(entry->fingerprint));
        }
        if (numbers.threads > entry->threads)
            entry->threads = numbers.threads;
        if (numbers.sites > entry->sites)
            entry->sites = numbers.sites;
    }
}

static const char *reason_of(const struct baseline *reasons, const struct leak_group *group)
{
    const struct baseline_entry *entry = reasons ? baseline_find(reasons, group->fingerprint) : NULL;
    if (reasons && !entry)
        entry = baseline_find(reasons, group->old_fingerprint);
    return entry ? entry->reason : group->reason;
}

static json_t *entry_json(const struct baseline_entry *entry, const struct baseline *reasons)
{
    const struct leak_group *group = entry->group;
    const struct frame *creator = creator_frame(group);
    json_t *json = json_object();
    set_text(&json, "fingerprint", entry->fingerprint);
    set_number(&json, "threads", (int64_t)entry->threads);
    set_number(&json, "sites", (int64_t)entry->sites);
    set_text(&json, "kind", leak_kind_name(group->kind));
    set_text(&json, "function", creator ? creator->function : NULL);
    set_text(&json, "file", creator ? path_basename(creator->file) : NULL);
    set_text(&json, "start_routine", group->start_routine ? group->start_routine->function : NULL);
    const char *reason = reason_of(reasons, group);
    if (reason)
        set_text(&json, "reason", reason);
    return json;
}

/* False: out of memory. */
static bool collect_all(struct baseline *all, const struct report *report)
{
    size_t most = 0;
    for (size_t p = 0; p < report->process_count; p++)
        most += report->processes[p].group_count;
    all->entries = calloc(most + 1, sizeof(*all->entries));
    if (!all->entries)
        return false;
    for (size_t p = 0; p < report->process_count; p++)
        collect(all, &report->processes[p]);
    if (all->count)
        qsort(all->entries, all->count, sizeof(*all->entries), compare_entries);
    return baseline_collect_findings(all, report);
}

/* NULL: out of memory. */
static json_t *document(const struct baseline *all, const struct baseline *reasons)
{
    json_t *leaks = json_array();
    for (size_t i = 0; i < all->count; i++)
        append_value(&leaks, entry_json(&all->entries[i], reasons));
    json_t *json = json_pack("{ss so}", "schema", BASELINE_SCHEMA, "leaks", leaks);
    if (all->finding_count)
        set_value(&json, "findings", baseline_findings_json(all, reasons));
    return json;
}

bool baseline_write(FILE *out, const struct report *report, const struct baseline *reasons,
                    struct baseline_written *written)
{
    struct baseline all = {0};
    json_t *json = collect_all(&all, report) ? document(&all, reasons) : NULL;
    errno = json ? 0 : ENOMEM;
    bool done = json && json_dumpf(json, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 &&
                putc('\n', out) != EOF && fflush(out) == 0;
    *written = (struct baseline_written){.leaks = all.count, .findings = all.finding_count};
    for (size_t i = 0; i < all.count; i++)
        written->threads += all.entries[i].threads;
    json_decref(json);
    free(all.findings);
    free(all.entries);
    return done;
}
