#include "report/text/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/path.h"
#include "base/text.h"
#include "common/ledger.h"
#include "report/common/leak_line.h"
#include "report/common/phrases.h"
#include "report/common/source.h"
#include "symbolize/symbolize.h"

#define CREATORS_SHOWN 4
#define TESTS_SHOWN 4

static bool is_seen(const uint64_t *seen, size_t count, uint64_t creator)
{
    for (size_t i = 0; i < count; i++)
        if (seen[i] == creator)
            return true;
    return false;
}

static bool is_first_of_test(const struct leak_group *group, size_t index)
{
    const char *test = group->threads[index].test;
    for (size_t i = 0; i < index; i++)
        if (group->threads[i].test && strcmp(group->threads[i].test, test) == 0)
            return false;
    return true;
}

/* The names of several tests. A thread may be of none. */
static void put_tests(const struct printer *printer, const struct leak_group *group)
{
    size_t count = 0, max = is_verbose(printer) ? group->thread_count : TESTS_SHOWN;
    bool unknown = false;
    for (size_t i = 0; i < group->thread_count && count <= max; i++) {
        const char *test = group->threads[i].test;
        unknown |= !test;
        if (!test || !is_first_of_test(group, i) || ++count > max)
            continue;
        fputs(count == 1 ? " in tests\n    " : ",\n    ", printer->out);
        put_escaped(printer->out, test);
    }
    if (count > max)
        note_shortened(printer);
    fputs(count > max || (count && unknown) ? "\n    and others" : "", printer->out);
}

static int compare_ids(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The creators of the first threads, by id. Are there more? */
static bool find_creators(const struct leak_group *group, uint64_t *creators, size_t *count)
{
    bool more = false;
    *count = 0;
    for (size_t i = 0; i < group->thread_count && !more; i++) {
        uint64_t creator = group->threads[i].created_by;
        if (creator == 0 || is_seen(creators, *count, creator))
            continue;
        more = *count == CREATORS_SHOWN;
        if (!more)
            creators[(*count)++] = creator;
    }
    qsort(creators, *count, sizeof(*creators), compare_ids);
    return more;
}

static void print_creators(const struct printer *printer, const struct leak_group *group)
{
    uint64_t creators[CREATORS_SHOWN] = {0};
    size_t count;
    bool more = find_creators(group, creators, &count);
    fputs("  created", printer->out);
    for (size_t i = 0; i < count; i++)
        fprintf(printer->out, "%sT%llu%s", i == 0 ? " by " : ", ", (unsigned long long)creators[i],
                creators[i] == LEDGER_MAIN_SERIAL ? " (main)" : "");
    fputs(more ? " and others" : "", printer->out);
    if (group->test)
        put_test(printer->out, group->test);
    else
        put_tests(printer, group);
    fputs(group->stack_count ? " at\n" : ": no stack was recorded\n", printer->out);
}

static void print_creation(const struct printer *printer, const struct leak_group *group)
{
    struct frames frames =
        shown_frames(printer, (struct frames){group->stack, group->stack_count, group->user_frame});
    print_creators(printer, group);
    put_frames(printer, &frames, 0);
    if (group->stack_count && group->truncated)
        fprintf(printer->out, "    (further callers not recorded%s)\n",
                group->rule_deeper && !group->suppressed_by ? "; thread: and module: rules cannot see them"
                                                            : "");
}

static void age_range(const struct leak_group *group, double *low, double *high)
{
    *low = *high = -1;
    for (size_t i = 0; i < group->thread_count; i++) {
        const struct thread_info *thread = &group->threads[i];
        double age = group->kind == LEAK_UNJOINED ? thread->ended_s : thread->age_s;
        if (i == 0 || age < *low)
            *low = age;
        if (i == 0 || age > *high)
            *high = age;
    }
}

static void print_age(const struct printer *printer, const struct leak_group *group)
{
    double low, high;
    char range[96];
    age_range(group, &low, &high);
    if (low < 0)
        return;
    format_range(range, sizeof(range), low, high);
    fprintf(printer->out, group->kind == LEAK_UNJOINED ? "   finished %s ago" : "   alive %s", range);
}

static bool is_base_of(const char *path, const char *name)
{
    return path && strncmp(path_basename(path), name, sizeof(((struct thread_info *)0)->name) - 1) == 0;
}

bool is_process_name(const struct printer *printer, const char *name)
{
    const struct process_report *process = printer->process;
    return process &&
           (is_base_of(process->exe, name) || is_base_of(process->argv ? process->argv[0] : NULL, name));
}

/* The name of all of them; "" when they differ. */
static const char *common_name(const struct leak_group *group)
{
    for (size_t i = 1; i < group->thread_count; i++)
        if (strcmp(group->threads[i].name, group->threads[0].name) != 0)
            return "";
    return group->threads[0].name;
}

static void print_group_head(const struct printer *printer, const struct leak_group *group)
{
    paint(printer, BOLD);
    fprintf(printer->out, "%s ×%zu", leak_kind_name(group->kind), group->thread_count);
    paint(printer, PLAIN);
    print_age(printer, group);
    fputs("   ", printer->out);
    put_joins(printer, group);
    if (*common_name(group) && !is_process_name(printer, common_name(group))) {
        fputs("   [", printer->out);
        put_escaped(printer->out, common_name(group));
        putc(']', printer->out);
    }
    putc('\n', printer->out);
}

static void print_suppression(const struct printer *printer, const struct leak_group *group)
{
    fputs("by ", printer->out);
    put_escaped(printer->out, group->suppressed_by);
    if (!group->reason || !group->in_baseline || !is_verbose(printer))
        return;
    fputs(": ", printer->out);
    put_escaped(printer->out, group->reason);
}

/* Number of counted threads of its process with this fingerprint. */
static uint64_t threads_of(const struct printer *printer, const struct leak_group *group)
{
    const struct process_report *process = printer->process;
    uint64_t threads = 0;
    for (size_t i = 0; process && i < process->group_count; i++)
        if (process->groups[i].counted && !strcmp(process->groups[i].fingerprint, group->fingerprint))
            threads += process->groups[i].thread_count;
    return threads ? threads : group->thread_count;
}

/* More threads of the process than the baseline has, or from more lines. */
static void print_known(const struct printer *printer, const struct leak_group *group)
{
    if (group->known_sites && group->known >= threads_of(printer, group))
        fprintf(printer->out, "  the baseline has this leak from only %llu line%s\n",
                (unsigned long long)group->known_sites, plural(group->known_sites));
    else if (group->known)
        fprintf(printer->out, "  the baseline has only %llu\n", (unsigned long long)group->known);
}

/* "  in 3 of 50 runs, first with --shake=17" */
static void print_runs(const struct printer *printer, const struct leak_group *group)
{
    char text[RUNS_TEXT_MAX];
    if (group->runs.count)
        fprintf(printer->out, "  in %s\n", format_runs(text, group, &printer->report->runs));
}

void print_group(const struct printer *printer, const struct leak_group *group)
{
    const struct frame *runs = run_frame(group);
    putc('\n', printer->out);
    print_group_head(printer, group);
    print_runs(printer, group);
    print_names(printer, group->threads, group->thread_count, is_verbose(printer));
    if (runs) {
        fputs("  runs ", printer->out);
        put_frame(printer, runs, 7, 0);
        putc('\n', printer->out);
    }
    print_creation(printer, group);
    print_stacks(printer, group->threads, group->thread_count);
    print_joins(printer, group);
    print_handles(printer, group);
    if (group->counted)
        print_known(printer, group);
    if (group->suppressed_by) {
        fputs("  suppressed ", printer->out);
        print_suppression(printer, group);
        putc('\n', printer->out);
    }
}

void print_group_short(const struct printer *printer, const struct leak_group *group)
{
    const struct frame *frame = creator_frame(group);
    bool counts = printer->process && printer->process->judged;
    fprintf(printer->out, "%s: %s ×%zu", !counts && group->suppressed_by ? "suppressed" : "not counted",
            leak_kind_name(group->kind), group->thread_count);
    if (frame) {
        fputs(" from ", printer->out);
        put_frame(printer, frame, 4, 0);
    }
    if (group->suppressed_by) {
        fputs(counts ? "   (suppressed " : "   (", printer->out);
        print_suppression(printer, group);
        putc(')', printer->out);
    }
    putc('\n', printer->out);
}

bool is_snapshot(const struct process_report *process)
{
    return (process->how == END_ALIVE && !process->checked) || process->core;
}

/* Of a process that is not judged, all threads that no rule suppresses. */
static bool is_in_summary(const struct process_report *process, const struct leak_group *group)
{
    if (!process->judged && is_snapshot(process))
        return !group->suppressed_by;
    return group->counted && !group->listed;
}

void print_site(const struct printer *printer, const struct process_report *process, size_t number)
{
    struct leak_site site = {.processes = 1};
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *other = &process->groups[i];
        if (other->site != number || !is_in_summary(process, other))
            continue;
        site.group = site.group ? site.group : other;
        leak_site_add(&site, other);
    }
    char *line = site.threads ? leak_line(&site) : NULL;
    if (line)
        fprintf(printer->out, "  %s\n", line);
    free(line);
}
