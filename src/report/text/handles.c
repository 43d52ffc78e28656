/* Where the handles of a group's threads are stored. */
#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "report/text/text.h"

static bool is_kept(const struct thread_info *thread)
{
    return thread->handle && !thread->handle->lost;
}

/* ---- lost ---------------------------------------------------------------------------------- */

/* "T7", "T7 and T8", "3 of them"; `count` are named. */
static void put_some(const struct printer *printer, const struct leak_group *group,
                     const struct finding *finding, size_t count)
{
    size_t named = 0;
    if (count > 2)
        fprintf(printer->out, "%zu of them", count);
    for (size_t i = 0; i < group->thread_count && count <= 2; i++)
        if (finding_names(finding, group->threads[i].id, 0))
            fprintf(printer->out, "%sT%llu", named++ ? " and " : "",
                    (unsigned long long)group->threads[i].id);
}

static size_t count_named(const struct finding *finding, const struct leak_group *group)
{
    size_t count = 0;
    for (size_t i = 0; i < group->thread_count; i++)
        count += finding_names(finding, group->threads[i].id, 0);
    return count;
}

static void print_lost(const struct printer *printer, const struct leak_group *group,
                       const struct finding *finding, size_t count)
{
    bool one = count == 1;
    paint(printer, BOLD);
    fprintf(printer->out, "  %s", finding_name(finding->code));
    paint(printer, PLAIN);
    fprintf(printer->out, "   %s: ", finding_level_name(finding->level));
    if (count == group->thread_count) {
        fputs(one ? "its handle is" : "their handles are", printer->out);
    } else {
        fputs(one ? "the handle of " : "the handles of ", printer->out);
        put_some(printer, group, finding, count);
        fputs(one ? " is" : " are", printer->out);
    }
    fprintf(printer->out, " stored nowhere, nobody can join %s\n", one ? "it" : "them");
    if (finding->pattern)
        fprintf(printer->out, "  see threadleak-patterns(7): %s\n", finding->pattern);
    if (finding->assumed && is_verbose(printer))
        print_assumed(printer, finding->assumed);
}

static void print_all_lost(const struct printer *printer, const struct leak_group *group)
{
    const struct findings *findings = &printer->process->findings;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        size_t count = finding->code == FINDING_LOST_HANDLE ? count_named(finding, group) : 0;
        if (count && (!finding->suppressed_by || is_verbose(printer)))
            print_lost(printer, group, finding, count);
    }
}

/* ---- kept ---------------------------------------------------------------------------------- */

static const char *first_place(const struct leak_group *group)
{
    for (size_t i = 0; i < group->thread_count; i++)
        if (is_kept(&group->threads[i]))
            return group->threads[i].handle->where;
    return NULL;
}

static void print_each(const struct printer *printer, const struct leak_group *group)
{
    for (size_t i = 0; i < group->thread_count; i++) {
        if (!is_kept(&group->threads[i]))
            continue;
        fprintf(printer->out, "  handle of T%llu is stored in ", (unsigned long long)group->threads[i].id);
        put_escaped(printer->out, group->threads[i].handle->where);
        putc('\n', printer->out);
    }
}

/* "  handle is stored in variable worker", "  handles are stored in variable workers and 3 other places" */
static void print_places(const struct printer *printer, const struct leak_group *group, const char *first)
{
    size_t kept = 0, others = 0;
    for (size_t i = 0; i < group->thread_count; i++) {
        kept += is_kept(&group->threads[i]);
        others += is_kept(&group->threads[i]) && strcmp(group->threads[i].handle->where, first) != 0;
    }
    if (kept < group->thread_count)
        fprintf(printer->out, kept == 1 ? "  %zu handle is stored in " : "  %zu handles are stored in ",
                kept);
    else
        fputs(kept == 1 ? "  handle is stored in " : "  handles are stored in ", printer->out);
    put_escaped(printer->out, first);
    if (others)
        fprintf(printer->out, " and %zu other place%s", others, plural(others));
    putc('\n', printer->out);
}

void print_handles(const struct printer *printer, const struct leak_group *group)
{
    const char *first = first_place(group);
    if (printer->process)
        print_all_lost(printer, group);
    if (first && is_verbose(printer))
        print_each(printer, group);
    else if (first)
        print_places(printer, group, first);
}
