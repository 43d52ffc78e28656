#include "report/leak_sites.h"

#include <string.h>

#include "base/array.h"

static struct leak_site *site_of(struct leak_sites *sites, const struct leak_group *group)
{
    for (size_t i = 0; i < sites->count; i++)
        if (strcmp(sites->items[i].group->fingerprint, group->fingerprint) == 0)
            return &sites->items[i];
    return NULL;
}

static bool add_group(struct leak_sites *sites, const struct process_report *process,
                      const struct leak_group *group)
{
    struct leak_site *site = site_of(sites, group);
    if (!site) {
        if (!ARRAY_GROW(sites->items, sites->count))
            return false;
        site = &sites->items[sites->count++];
        *site = (struct leak_site){.group = group, .process = process, .processes = 1};
    } else if (site->process != process) {
        site->processes++;
        site->process = process;
    }
    site->threads += group->thread_count;
    return true;
}

bool leak_sites_find(struct leak_sites *sites, const struct report *report)
{
    *sites = (struct leak_sites){NULL, 0};
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        for (size_t j = 0; j < process->group_count; j++) {
            if (process->groups[j].counted && !add_group(sites, process, &process->groups[j]))
                return false;
        }
    }
    return true;
}
