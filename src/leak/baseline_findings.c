/* The findings of a baseline. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "leak/baseline_entries.h"

/* NULL: none. */
static struct baseline_finding *find_entry(const struct baseline *baseline, const char *fingerprint)
{
    for (size_t i = 0; i < baseline->finding_count; i++)
        if (!strcmp(baseline->findings[i].fingerprint, fingerprint))
            return &baseline->findings[i];
    return NULL;
}

/* ---- read ------------------------------------------------------------------------------ */

static struct baseline_finding *add(struct baseline *baseline, const char *fingerprint)
{
    struct baseline_finding *entry = find_entry(baseline, fingerprint);
    if (entry || !ARRAY_GROW(baseline->findings, baseline->finding_count))
        return entry;
    entry = &baseline->findings[baseline->finding_count++];
    *entry = (struct baseline_finding){.reason = NULL};
    memcpy(entry->fingerprint, fingerprint, FINGERPRINT_LENGTH);
    return entry;
}

bool baseline_read_findings(struct baseline *baseline, const json_t *array, const char *path,
                            struct error *error)
{
    if (array && !json_is_array(array))
        return error_set(error, "%s: \"findings\" is not an array", path);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *json = json_array_get(array, i);
        const char *fingerprint = baseline_fingerprint(json);
        const char *reason = json_string_value(json_object_get(json, "reason"));
        if (!fingerprint)
            return error_set(error, "%s: finding %zu has no \"fingerprint\" of 16 hexadecimal digits", path,
                             i + 1);
        struct baseline_finding *entry = add(baseline, fingerprint);
        if (!entry || (reason && !entry->reason && !(entry->reason = strdup(reason))))
            return error_set(error, "%s: out of memory", path);
    }
    return true;
}

/* ---- apply ----------------------------------------------------------------------------- */

/* Is it not suppressed, or only by a baseline? A lost handle has no entry: it is known if the leak is. */
static bool has_entry(const struct finding *finding)
{
    return finding->code != FINDING_LOST_HANDLE &&
           (!finding->suppressed_by || !strcmp(finding->suppressed_by, BASELINE_WORD));
}

/* Without memory there is no verdict. */
void baseline_apply_to_findings(struct baseline *baseline, struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        struct finding *finding = &findings->items[i];
        struct baseline_finding *entry = find_entry(baseline, finding->fingerprint);
        if (!entry || finding->suppressed_by)
            continue;
        entry->seen = true;
        finding->suppressed_by = BASELINE_WORD;
        finding->reason = entry->reason;
    }
    findings_set_verdict(findings);
}

void baseline_accept_findings(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (!findings->items[i].suppressed_by)
            findings->items[i].suppressed_by = BASELINE_WORD;
    findings_set_verdict(findings);
}

/* ---- write ------------------------------------------------------------------------------ */

static int compare(const void *left, const void *right)
{
    const struct baseline_finding *a = left, *b = right;
    if (a->finding->code != b->finding->code)
        return a->finding->code < b->finding->code ? -1 : 1;
    return strcmp(a->fingerprint, b->fingerprint);
}

bool baseline_collect_findings(struct baseline *all, const struct report *report)
{
    for (size_t p = 0; p < report->process_count; p++) {
        const struct findings *findings = &report->processes[p].findings;
        for (size_t i = 0; i < findings->count; i++) {
            const struct finding *finding = &findings->items[i];
            if (finding->level == FINDING_NOTE || !has_entry(finding))
                continue;
            struct baseline_finding *entry = add(all, finding->fingerprint);
            if (!entry)
                return false;
            if (!entry->finding)
                entry->finding = finding;
        }
    }
    if (all->finding_count)
        qsort(all->findings, all->finding_count, sizeof(*all->findings), compare);
    return true;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The functions of its places, each once, in an order that does not depend on timing. */
static json_t *functions_json(const struct finding *finding)
{
    size_t facts = finding_own_facts(finding), count = 0;
    const char **names = calloc(facts + 1, sizeof(*names));
    json_t *array = names ? json_array() : NULL;
    for (size_t i = 0; names && i < facts; i++)
        if (finding->facts[i].at && finding->facts[i].at->function)
            names[count++] = finding->facts[i].at->function;
    if (count)
        qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            append_value(&array, json_text(names[i]));
    free(names);
    return array;
}

json_t *baseline_findings_json(const struct baseline *all, const struct baseline *reasons)
{
    json_t *array = json_array();
    for (size_t i = 0; i < all->finding_count; i++) {
        const struct baseline_finding *entry = &all->findings[i];
        const struct baseline_finding *before = reasons ? find_entry(reasons, entry->fingerprint) : NULL;
        const char *reason = before ? before->reason : entry->finding->reason;
        json_t *json = json_object();
        set_text(&json, "fingerprint", entry->fingerprint);
        set_text(&json, "code", finding_name(entry->finding->code));
        set_value(&json, "functions", functions_json(entry->finding));
        if (reason)
            set_text(&json, "reason", reason);
        append_value(&array, json);
    }
    return array;
}
