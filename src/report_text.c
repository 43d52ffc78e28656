/* The format "text": for people who are tired and in a hurry. */
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "text_parts.h"

#define FUNCTION_WIDTH 64 /* longer names are shortened */
#define THREADS_SHOWN 8

struct printer {
    FILE *out;
    const struct report_style *style;
};

/* ---- colours -------------------------------------------------------------------- */

enum paint { PLAIN, BOLD, DIM };

static void paint(const struct printer *printer, enum paint how)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m"};
    if (printer->style->color)
        fputs(codes[how], printer->out);
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- a stack ----------------------------------------------------------------------- */

/* Start-up frames at the root say nothing, unless there is nothing else. */
static size_t shown_frames(const struct printer *printer, const struct leak_group *group)
{
    size_t count = group->stack_count;
    while (printer->style->verbose <= 0 && count > 1 && group->stack[count - 1].runtime)
        count--;
    return group->own ? count : group->stack_count;
}

static size_t function_width(const struct leak_group *group, size_t count)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++) {
        char name[512];
        format_function(name, sizeof(name), &group->stack[i], FUNCTION_WIDTH);
        width = strlen(name) > width ? strlen(name) : width;
    }
    return width;
}

static void print_frame(const struct printer *printer, const struct frame *frame, bool own, size_t width)
{
    char name[512], place[1200];
    format_function(name, sizeof(name), frame, FUNCTION_WIDTH);
    format_place(place, sizeof(place), frame, printer->style->verbose > 0);
    paint(printer, own ? BOLD : frame->runtime ? DIM : PLAIN);
    fputs(own ? "  > " : "    ", printer->out);
    put_escaped(printer->out, name);
    if (*place) {
        fprintf(printer->out, "%*s   ", (int)(width > strlen(name) ? width - strlen(name) : 0), "");
        put_escaped(printer->out, place);
    }
    paint(printer, PLAIN);
    putc('\n', printer->out);
}

static void print_creators(const struct printer *printer, const struct leak_group *group)
{
    fputs("  created", printer->out);
    uint64_t last = 0;
    size_t listed = 0;
    for (size_t i = 0; i < group->thread_count; i++) {
        uint64_t creator = group->threads[i].created_by;
        if (creator == 0 || creator == last)
            continue;
        last = creator;
        if (++listed > 4)
            break;
        fprintf(printer->out, "%sT%llu%s", listed == 1 ? " by " : ", ", (unsigned long long)creator,
                creator == LEDGER_MAIN_SERIAL ? " (main)" : "");
    }
    fputs(listed > 4 ? " and others at\n" : " at\n", printer->out);
}

static void print_stack(const struct printer *printer, const struct leak_group *group)
{
    size_t count = shown_frames(printer, group);
    size_t width = function_width(group, count);
    print_creators(printer, group);
    for (size_t i = 0; i < count; i++)
        print_frame(printer, &group->stack[i], &group->stack[i] == group->own, width);
    if (group->stack_count == 0)
        fputs("    (not recorded)\n", printer->out);
    else if (group->truncated)
        fputs("    (and further callers, not recorded)\n", printer->out);
}

/* ---- a group ------------------------------------------------------------------------- */

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

static const char *explain_kind(enum leak_kind kind)
{
    static const char *const texts[LEAK_KINDS] = {
        [LEAK_RUNNING] = "joinable, never joined",
        [LEAK_DETACHED] = "detached: nobody waits for it",
        [LEAK_UNJOINED] = "never joined: its stack is still held",
    };
    return texts[kind];
}

/* What the threads are called, when they agree. */
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
    fprintf(printer->out, "   %s", explain_kind(group->kind));
    if (*common_name(group)) {
        fputs("   [", printer->out);
        put_escaped(printer->out, common_name(group));
        putc(']', printer->out);
    }
    putc('\n', printer->out);
}

static void print_joins(const struct printer *printer, const struct leak_group *group)
{
    char name[512], place[1200];
    size_t joining = 0;
    for (size_t i = 0; i < group->thread_count; i++)
        joining += group->threads[i].being_joined;
    if (joining)
        fprintf(printer->out, "  a join waits for %s%zu of %s\n", joining == group->thread_count ? "all " : "",
                joining, group->thread_count == 1 ? "it" : "them");
    if (!group->joined_at || !group->site_joined)
        return;
    format_function(name, sizeof(name), group->joined_at, FUNCTION_WIDTH);
    format_place(place, sizeof(place), group->joined_at, printer->style->verbose > 0);
    fprintf(printer->out, "  %llu of the %llu threads created here were joined, the latest at ",
            (unsigned long long)group->site_joined, (unsigned long long)group->site_created);
    put_escaped(printer->out, name);
    fputs("   ", printer->out);
    put_escaped(printer->out, place);
    putc('\n', printer->out);
}

static void print_start_routine(const struct printer *printer, const struct leak_group *group)
{
    char name[512], place[1200];
    if (!group->start_routine)
        return;
    format_function(name, sizeof(name), group->start_routine, FUNCTION_WIDTH);
    format_place(place, sizeof(place), group->start_routine, printer->style->verbose > 0);
    fputs("  runs ", printer->out);
    put_escaped(printer->out, name);
    if (*place) {
        fputs("   ", printer->out);
        put_escaped(printer->out, place);
    }
    putc('\n', printer->out);
}

static void print_group(const struct printer *printer, const struct leak_group *group)
{
    putc('\n', printer->out);
    print_group_head(printer, group);
    fputs("  ", printer->out);
    put_threads(printer->out, group, printer->style->verbose > 0 ? group->thread_count : THREADS_SHOWN);
    putc('\n', printer->out);
    print_start_routine(printer, group);
    print_stack(printer, group);
    print_joins(printer, group);
    if (group->suppressed_by) {
        fputs("  suppressed by ", printer->out);
        put_escaped(printer->out, group->suppressed_by);
        putc('\n', printer->out);
    }
}

/* One that does not count, in a line. */
static void print_group_short(const struct printer *printer, const struct leak_group *group)
{
    const struct frame *frame = group->own ? group->own : group->stack_count ? &group->stack[0] : NULL;
    char name[512], place[1200];
    fprintf(printer->out, "not counted: %s ×%zu", leak_kind_name(group->kind), group->thread_count);
    if (frame) {
        format_function(name, sizeof(name), frame, FUNCTION_WIDTH);
        format_place(place, sizeof(place), frame, false);
        fputs(" from ", printer->out);
        put_escaped(printer->out, name);
        fputs(*place ? "   " : "", printer->out);
        put_escaped(printer->out, place);
    }
    if (group->suppressed_by) {
        fputs("   (suppressed by ", printer->out);
        put_escaped(printer->out, group->suppressed_by);
        putc(')', printer->out);
    }
    putc('\n', printer->out);
}

/* ---- a process ------------------------------------------------------------------------- */

static uint64_t count_threads(const struct process_report *process, bool counted_only, uint64_t *sites)
{
    uint64_t threads = 0;
    *sites = 0;
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        if (counted_only && !group->counted)
            continue;
        threads += group->thread_count;
        bool again = false;
        for (size_t j = 0; j < i && !again; j++)
            again = process->groups[j].site == group->site && (!counted_only || process->groups[j].counted);
        *sites += !again;
    }
    return threads;
}

static void print_process_head(const struct printer *printer, const struct process_report *process)
{
    uint64_t sites, left_sites;
    uint64_t leaked = count_threads(process, true, &sites);
    uint64_t left = count_threads(process, false, &left_sites);
    char end[128];

    format_end(end, sizeof(end), process);
    paint(printer, BOLD);
    fputs("threadleak: ", printer->out);
    if (leaked)
        fprintf(printer->out, "%llu leaked thread%s at %llu site%s, ", (unsigned long long)leaked,
                plural(leaked), (unsigned long long)sites, plural(sites));
    else if (process->how == END_ALIVE || !process->judged)
        fprintf(printer->out, "%llu thread%s of %llu site%s, ", (unsigned long long)left, plural(left),
                (unsigned long long)left_sites, plural(left_sites));
    else
        fputs("no leaked threads, ", printer->out);
    put_escaped(printer->out, command_name(process));
    fprintf(printer->out, " (pid %d), %s", (int)process->pid, end);
    if (process->how != END_ALIVE && !process->judged && left)
        fputs(", not judged", printer->out);
    paint(printer, PLAIN);
    putc('\n', printer->out);
}

static void print_untracked(const struct printer *printer, const struct process_report *process)
{
    if (!process->counts.untracked)
        return;
    fprintf(printer->out, "untracked: %llu thread%s whose creation was not seen:",
            (unsigned long long)process->counts.untracked, plural(process->counts.untracked));
    for (size_t i = 0; i < process->untracked_count && i < THREADS_SHOWN; i++) {
        fprintf(printer->out, "%s tid %d \"", i ? "," : "", (int)process->untracked[i].tid);
        put_escaped(printer->out, process->untracked[i].name);
        putc('"', printer->out);
    }
    fputs(process->counts.untracked > THREADS_SHOWN ? ", …\n" : "\n", printer->out);
}

static void print_process_foot(const struct printer *printer, const struct process_report *process)
{
    uint64_t by_kind[LEAK_KINDS] = {0}, suppressed = 0;
    bool counted = false;
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        suppressed += group->suppressed_by ? group->thread_count : 0;
        by_kind[group->kind] += group->counted ? group->thread_count : 0;
        counted |= group->counted;
    }
    if (counted) {
        const char *separator = "leaked: ";
        for (int kind = 0; kind < LEAK_KINDS; kind++)
            if (by_kind[kind]) {
                fprintf(printer->out, "%s%llu %s", separator, (unsigned long long)by_kind[kind],
                        leak_kind_name((enum leak_kind)kind));
                separator = ", ";
            }
        fputs(".   ", printer->out);
    }
    if (suppressed)
        fprintf(printer->out, "suppressed: %llu.   ", (unsigned long long)suppressed);
    fprintf(printer->out, "created %llu, joined %llu, detached %llu, peak %llu.\n",
            (unsigned long long)process->counts.created, (unsigned long long)process->counts.joined,
            (unsigned long long)process->counts.detached, (unsigned long long)process->counts.peak);
    print_untracked(printer, process);
    if (process->counts.lost)
        fprintf(printer->out,
                "lost: %llu creation%s found no room in the ledger: there may be more threads than shown.\n",
                (unsigned long long)process->counts.lost, plural(process->counts.lost));
}

static bool nothing_counted(const struct process_report *process)
{
    return process->group_count == 0 || !process->groups[0].counted;
}

static void print_process(const struct printer *printer, const struct process_report *process)
{
    bool whole = printer->style->all || process->how == END_ALIVE;
    print_process_head(printer, process);
    bool gap = false;
    for (size_t i = 0; i < process->group_count && printer->style->verbose >= 0; i++) {
        const struct leak_group *group = &process->groups[i];
        if (group->counted || whole) {
            print_group(printer, group);
            gap = true;
            continue;
        }
        if (gap)
            putc('\n', printer->out);
        gap = false;
        print_group_short(printer, group);
    }
    if (gap)
        putc('\n', printer->out);
    print_process_foot(printer, process);
}

/* A child that left nothing of note needs no block of its own. */
static bool is_worth_a_block(const struct printer *printer, const struct report *report,
                             const struct process_report *process)
{
    return printer->style->all || report->process_count == 1 || !nothing_counted(process) ||
           process->counts.lost;
}

static void print_next_step(const struct printer *printer, const struct report *report)
{
    if (printer->style->verbose < 0)
        return;
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        if (process->how == END_ALIVE && !printer->style->all)
            fprintf(printer->out, "every thread: threadleak report --all %d\n", (int)process->pid);
    }
}

static bool print_text(FILE *out, const struct report *report, const struct report_style *style)
{
    struct printer printer = {out, style};
    size_t blocks = 0;
    if (report->process_count > 1)
        fprintf(out, "threadleak: %llu leaked thread%s at %llu site%s in %llu processes\n\n",
                (unsigned long long)report->summary.leaked_threads, plural(report->summary.leaked_threads),
                (unsigned long long)report->summary.leak_sites, plural(report->summary.leak_sites),
                (unsigned long long)report->summary.processes);
    for (size_t i = 0; i < report->process_count; i++) {
        if (!is_worth_a_block(&printer, report, &report->processes[i]))
            continue;
        if (blocks++)
            putc('\n', out);
        print_process(&printer, &report->processes[i]);
    }
    if (report->process_count == 0)
        fprintf(out, "threadleak: no threads were created, %llu process%s watched\n",
                (unsigned long long)report->summary.processes, report->summary.processes == 1 ? "" : "es");
    print_next_step(&printer, report);
    return fflush(out) == 0 && !ferror(out);
}

const struct report_format report_text = {"text", print_text};
