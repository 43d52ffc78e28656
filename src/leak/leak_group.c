/* The groups of threads in a report: what they own, and their order. */
#include <stdlib.h>

#include "leak/model.h"

void leak_group_release(struct leak_group *group)
{
    for (size_t i = 0; group->threads && i < group->thread_count; i++)
        free(group->threads[i].test);
    free(group->stack);
    free(group->threads);
    free(group->ignored);
}

const struct frame *creator_frame(const struct leak_group *group)
{
    if (group->user_frame)
        return group->user_frame;
    return group->stack_count ? &group->stack[0] : NULL;
}

/* Order: counted groups first; then running, detached, unjoined; then larger groups; then older ones. */
bool same_creation(const struct leak_group *a, const struct leak_group *b)
{
    bool same = a->stack_count == b->stack_count && a->stack_count;
    for (size_t i = 0; same && i < a->stack_count; i++)
        same = a->stack[i].pc == b->stack[i].pc;
    return same || a->site == b->site;
}

static int compare_groups(const void *left, const void *right)
{
    const struct leak_group *a = left, *b = right;
    if (a->counted != b->counted)
        return a->counted ? -1 : 1;
    if (a->kind != b->kind)
        return (int)a->kind - (int)b->kind;
    if (a->thread_count != b->thread_count)
        return a->thread_count > b->thread_count ? -1 : 1;
    return (a->threads->id > b->threads->id) - (a->threads->id < b->threads->id);
}

void process_report_sort(struct process_report *process)
{
    struct leak_group *groups = process->groups;
    if (process->group_count)
        qsort(groups, process->group_count, sizeof(*groups), compare_groups);
    for (size_t i = 0; i < process->group_count; i++) {
        size_t before = 0;
        while (before < i && groups[before].site != groups[i].site)
            before++;
        groups[i].first_of_site = before == i;
    }
}
