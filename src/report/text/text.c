/* The format "text". */
#include <stdlib.h>

#include "base/text.h"
#include "report/common/phrases.h"
#include "report/common/format.h"
#include "report/text/layout.h"
#include "report/text/text.h"

/* The program itself has listed all its leaks, so a short report does not repeat them. */
static bool is_listed(const struct printer *printer, const struct process_report *process)
{
    size_t counted = 0;
    while (counted < process->group_count && process->groups[counted].counted &&
           process->groups[counted].listed)
        counted++;
    bool all = counted == process->group_count || !process->groups[counted].counted;
    return printer->style->verbose < 0 && counted && all;
}

/* Also a report in which some other process has nothing to report. */
static bool are_all_listed(const struct printer *printer, const struct report *report)
{
    size_t listed = 0;
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        bool leaks = process->group_count && process->groups[0].counted;
        if (leaks && !is_listed(printer, process))
            return false;
        listed += leaks;
    }
    return listed && report->timed_out_s <= 0;
}

/* A child that ended without a leak is not shown. */
static bool is_worth_a_block(const struct printer *printer, const struct report *report,
                             const struct process_report *process)
{
    if (is_listed(printer, process))
        return false;
    return printer->style->all || report->process_count == 1 || process->how == END_ALIVE ||
           process->counts.lost || process->findings.verdict || process->abort.call ||
           (process->group_count && process->groups[0].counted);
}

/* True: --all would show no more of it. */
static bool is_all_shown(const struct printer *printer, const struct process_report *process)
{
    if (!printer->style->others || process->untracked_count > BLOCKS_SHOWN)
        return false;
    for (size_t i = 0; i < process->group_count; i++)
        if (process->groups[i].thread_count > BLOCKS_SHOWN)
            return false;
    return true;
}

/* The process is alive, so `threadleak report --all` can show more of it. */
static bool can_show_more(const struct printer *printer, const struct process_report *process, bool alone)
{
    return process->live && process->how == END_ALIVE && !process->checked &&
           (process->group_count || !process->watched) && !(alone && is_all_shown(printer, process));
}

static void print_next_step(const struct printer *printer, const struct report *report)
{
    bool printed = printer->style->verbose < 0 || printer->style->all;
    for (size_t i = 0; i < report->process_count && printer->style->verbose >= 0 && !printer->style->all;
         i++) {
        if (!can_show_more(printer, &report->processes[i], report->process_count == 1))
            continue;
        printed = true;
        fprintf(printer->out, "to see every thread: threadleak report --all %d\n",
                (int)report->processes[i].pid);
    }
    if (*printer->shortened && !printed)
        fprintf(printer->out, "to see what is shortened: %s\n",
                printer->style->more ? printer->style->more : "-v");
}

static void print_no_threads(FILE *out, const struct report *report)
{
    fprintf(out, "threadleak: no threads were created; %llu process%s watched",
            (unsigned long long)report->summary.processes, report->summary.processes == 1 ? "" : "es");
    if (report->unwatched_count)
        fprintf(out, ", %zu program%s not watched", report->unwatched_count, plural(report->unwatched_count));
    putc('\n', out);
}

/* True: something was printed that needs an empty line after it. */
static bool print_top(FILE *out, const struct report *report)
{
    char text[TIMEOUT_TEXT_MAX];
    bool timed_out = report->timed_out_s > 0;
    if (timed_out)
        fprintf(out, "threadleak: %s: reporting all live threads, then ending every process\n\n",
                format_timeout(text, report));
    if (report->process_count == 0)
        print_no_threads(out, report);
    if (report->runs.count)
        fprintf(out, "threadleak: %llu of %llu run%s leaked threads\n",
                (unsigned long long)report->runs.leaked, (unsigned long long)report->runs.count,
                plural(report->runs.count));
    if (report->process_count > 1 && !timed_out) {
        fputs("threadleak: ", out);
        put_summary(out, report);
        putc('\n', out);
    }
    return (report->process_count != 1 || report->runs.count) && !timed_out;
}

static void print_whole(FILE *out, const struct report *report, const struct report_style *style)
{
    bool shortened = false;
    struct printer printer = {out, style, NULL, report, NULL, &shortened};
    if (are_all_listed(&printer, report))
        return;
    print_verdicts(&printer, report);
    bool gap = print_top(out, report);
    for (size_t i = 0; i < report->process_count; i++) {
        if (!is_worth_a_block(&printer, report, &report->processes[i]))
            continue;
        if (gap)
            putc('\n', out);
        gap = true;
        print_process(&printer, &report->processes[i], report->process_count == 1);
    }
    print_next_step(&printer, report);
}

static bool print_text(FILE *out, const struct report *report, const struct report_style *style)
{
    const struct text_layout layout = {style->width, style->ascii};
    struct text_buffer buffer;
    if (!style->width && !style->ascii) {
        print_whole(out, report, style);
        return true;
    }
    if (!text_open(&buffer))
        return false;
    print_whole(buffer.out, report, style);
    char *text = text_close(&buffer);
    if (text)
        text_lay_out(out, text, &layout);
    free(text);
    return text != NULL;
}

const struct report_format report_text = {
    .name = "text", .print = print_text, .is_log = true, .for_people = true};
