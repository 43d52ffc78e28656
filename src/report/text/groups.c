/* The groups of a process, in the order in which a reader needs them. */
#include <stdlib.h>

#include "report/text/text.h"
#include "suppress/suppress.h"

bool is_hidden_group(const struct leak_group *group)
{
    return group->rule && group->rule->source == SUPPRESSION_BUILT_IN;
}

struct ordered {
    const struct leak_group *group;
    size_t place;
};

bool is_full_group(const struct printer *printer, const struct leak_group *group, bool all)
{
    if (group->counted || printer->style->all)
        return true;
    return all && (!group->suppressed_by || is_verbose(printer) ||
                   named_first_place(printer->named, group->threads, group->thread_count) != NOT_NAMED);
}

/* Those that findings name first, in their order. Those that are counted stay before the others, and
 * suppressed ones come last. */
static int compare(const void *left, const void *right)
{
    const struct ordered *a = left, *b = right;
    if (a->group->counted != b->group->counted)
        return a->group->counted ? -1 : 1;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    if (!a->group->suppressed_by != !b->group->suppressed_by)
        return a->group->suppressed_by ? 1 : -1;
    return (a->group > b->group) - (a->group < b->group);
}

/* NULL: out of memory. */
static struct ordered *order_groups(const struct printer *printer, const struct process_report *process)
{
    struct ordered *groups = calloc(process->group_count + 1, sizeof(*groups));
    for (size_t i = 0; groups && i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        groups[i] =
            (struct ordered){group, named_first_place(printer->named, group->threads, group->thread_count)};
    }
    if (groups)
        qsort(groups, process->group_count, sizeof(*groups), compare);
    return groups;
}

bool print_groups(const struct printer *printer, const struct process_report *process, bool all)
{
    struct ordered *groups = order_groups(printer, process);
    bool was_full = false;
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = groups ? groups[i].group : &process->groups[i];
        if (is_full_group(printer, group, all)) {
            print_group(printer, group);
            was_full = true;
            continue;
        }
        if (all)
            note_shortened(printer);
        if (is_hidden_group(group))
            continue;
        if (was_full)
            putc('\n', printer->out);
        was_full = false;
        print_group_short(printer, group);
    }
    free(groups);
    return was_full;
}
