/* The format "text". */
#include "base/text.h"
#include "report/phrases.h"
#include "report/report.h"
#include "report/text_parts.h"

/* A child that ended without a leak is not shown. */
static bool is_worth_a_block(const struct printer *printer, const struct report *report,
                             const struct process_report *process)
{
    return printer->style->all || report->process_count == 1 || process->how == END_ALIVE ||
           process->counts.lost || (process->group_count && process->groups[0].counted);
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
    if (printer->style->verbose < 0 || printer->style->all)
        return;
    for (size_t i = 0; i < report->process_count; i++)
        if (can_show_more(printer, &report->processes[i], report->process_count == 1))
            fprintf(printer->out, "to see every thread: threadleak report --all %d\n",
                    (int)report->processes[i].pid);
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
    if (report->process_count > 1 && !timed_out) {
        fputs("threadleak: ", out);
        put_summary(out, report);
        putc('\n', out);
    }
    return report->process_count != 1 && !timed_out;
}

static bool print_text(FILE *out, const struct report *report, const struct report_style *style)
{
    struct printer printer = {out, style, NULL};
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
    return true;
}

const struct report_format report_text = {
    .name = "text", .print = print_text, .is_log = true, .for_people = true};
