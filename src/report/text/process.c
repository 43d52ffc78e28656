#include "report/text/process.h"

#include "report/common/phrases.h"

static void print_main(const struct printer *printer, const struct process_report *process)
{
    const struct thread_info *thread = process->main;
    char age[40];
    if (!thread)
        return;
    putc('\n', printer->out);
    paint(printer, BOLD);
    fputs("main", printer->out);
    paint(printer, PLAIN);
    format_duration(age, sizeof(age), thread->age_s);
    if (thread->age_s >= 0)
        fprintf(printer->out, "   alive %s", age);
    fputs(thread->state == 'Z' ? "   the main thread; it has ended, the process goes on\n"
                               : "   the main thread\n",
          printer->out);
    print_names(printer, thread, 1, true);
    print_stacks(printer, thread, 1);
}

static void print_untracked_threads(const struct printer *printer, const struct process_report *process)
{
    if (!lists_untracked(printer, process))
        return;
    putc('\n', printer->out);
    paint(printer, BOLD);
    fprintf(printer->out, process->watched ? "untracked ×%zu" : "thread ×%zu", process->untracked_count);
    paint(printer, PLAIN);
    fputs(process->watched ? "   creation not seen\n" : "\n", printer->out);
    print_names(printer, process->untracked, process->untracked_count, printer->style->all);
    print_stacks(printer, process->untracked, process->untracked_count);
}

static bool main_is_named(const struct printer *printer, const struct process_report *process)
{
    return printer->style->others && process->main && named_place(printer->named, process->main) != NOT_NAMED;
}

static bool print_others(const struct printer *printer, const struct process_report *process)
{
    if (!main_is_named(printer, process))
        print_main(printer, process);
    print_untracked_threads(printer, process);
    return process->main || process->untracked_count;
}

/* Groups of one site are one line. */
static void print_sites(const struct printer *printer, const struct process_report *process)
{
    for (size_t i = 0; i < process->group_count; i++)
        if (process->groups[i].first_of_site)
            print_site(printer, process, process->groups[i].site);
}

/* True: the last line does not end a list. */
static bool print_body(const struct printer *printer, const struct process_report *process, bool all)
{
    bool gap = print_findings(printer, process);
    gap |= print_failed_creations(printer, process);
    if (main_is_named(printer, process))
        print_main(printer, process);
    gap |= print_groups(printer, process, all);
    gap |= (printer->style->others || is_verbose(printer)) && print_others(printer, process);
    return gap;
}

void print_process(const struct printer *of_report, const struct process_report *process, bool alone)
{
    struct named_threads named;
    named_threads_make(&named, process);
    struct report_style style = *of_report->style;
    style.others |= process->abort.call != ABORT_NONE || process->crash.signal;
    const struct printer printer = {of_report->out,    &style, process,
                                    of_report->report, &named, of_report->shortened};
    bool is_moment = is_snapshot(process) || process->abort.call, gap = false;
    bool all = printer.style->all || (alone && is_moment);
    print_process_head(&printer, process, alone);
    if (printer.style->verbose >= 0)
        gap = print_body(&printer, process, all);
    else
        print_sites(&printer, process);
    if (gap && process->watched)
        putc('\n', printer.out);
    print_foot(&printer, process, all);
    named_threads_release(&named);
}
