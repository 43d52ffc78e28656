#include "leak/baseline_entries.h"

#include <string.h>

const char *baseline_fingerprint(const json_t *entry)
{
    const char *text = json_string_value(json_object_get(entry, "fingerprint"));
    bool is = text && strlen(text) == FINGERPRINT_LENGTH && !text[strspn(text, "0123456789abcdef")];
    return is ? text : NULL;
}

struct baseline_entry *baseline_find(const struct baseline *baseline, const char *fingerprint)
{
    for (size_t i = 0; i < baseline->count; i++)
        if (!strcmp(baseline->entries[i].fingerprint, fingerprint))
            return &baseline->entries[i];
    return NULL;
}

bool baseline_has_group(const struct leak_group *group)
{
    return group->counted || group->in_baseline;
}

static bool is_of(const struct leak_group *group, const char *fingerprint, bool old)
{
    return baseline_has_group(group) &&
           !strcmp(old ? group->old_fingerprint : group->fingerprint, fingerprint);
}

/* Does a group before this one have the same place? */
static bool is_again(const struct process_report *process, size_t index, const char *fingerprint)
{
    for (size_t i = 0; i < index; i++)
        if (is_of(&process->groups[i], fingerprint, false) &&
            process->groups[i].place == process->groups[index].place)
            return true;
    return false;
}

struct baseline_numbers baseline_count(const struct process_report *process, const char *fingerprint,
                                       bool old)
{
    struct baseline_numbers numbers = {0, 0};
    for (size_t i = 0; i < process->group_count; i++) {
        if (!is_of(&process->groups[i], fingerprint, old))
            continue;
        numbers.threads += process->groups[i].thread_count;
        numbers.sites += !is_again(process, i, fingerprint);
    }
    return numbers;
}
