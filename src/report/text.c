/* The format "text": for people who are tired and in a hurry. */
#include <string.h>

#include "suppress/suppress.h"
#include "report/group.h"
#include "report/stacks.h"
#include "report/text_parts.h"

#define UNTRACKED_SHOWN 4 /* they stand in one line */
#define COMMAND_WIDTH 160

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- the head of a process ------------------------------------------------------------- */

struct sums {
    uint64_t leaked, leaked_sites;  /* what counts */
    uint64_t live, finished, sites; /* whether it counts or not */
    uint64_t suppressed;
    uint64_t by_kind[LEAK_KINDS]; /* of what counts */
};

/* By a built-in rule: a word at the end is enough. */
static bool is_hidden(const struct leak_group *group)
{
    return group->rule && group->rule->source == SUPPRESSION_BUILT_IN;
}

static struct sums sum_up(const struct process_report *process)
{
    struct sums sums = {0};
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        *(group->kind == LEAK_UNJOINED ? &sums.finished : &sums.live) += group->thread_count;
        sums.sites += group->first_of_site;
        sums.suppressed += group->suppressed_by && !is_hidden(group) ? group->thread_count : 0;
        if (!group->counted)
            continue;
        sums.leaked += group->thread_count;
        sums.leaked_sites += group->first_of_site;
        sums.by_kind[group->kind] += group->thread_count;
    }
    return sums;
}

static void put_leaked(FILE *out, uint64_t threads, uint64_t sites)
{
    if (threads)
        fprintf(out, "%llu leaked thread%s at %llu site%s", (unsigned long long)threads, plural(threads),
                (unsigned long long)sites, plural(sites));
    else
        fputs("no leaked threads", out);
}

/* "51 live and 66 finished, unjoined threads at 3 sites" */
static void put_created(FILE *out, const struct sums *sums)
{
    uint64_t threads = sums->live + sums->finished;
    if (!threads) {
        fputs("no created threads alive or unjoined", out);
        return;
    }
    if (sums->live)
        fprintf(out, "%llu live%s", (unsigned long long)sums->live, sums->finished ? " and " : "");
    if (sums->finished)
        fprintf(out, "%llu finished, unjoined", (unsigned long long)sums->finished);
    fprintf(out, " thread%s at %llu site%s", plural(threads), (unsigned long long)sums->sites,
            plural(sums->sites));
}

static void print_process_head(const struct printer *printer, const struct process_report *process,
                               const struct sums *sums, bool alone)
{
    char end[160];
    format_end(end, sizeof(end), process);
    paint(printer, BOLD);
    fputs("threadleak: ", printer->out);
    if (!process->watched)
        fprintf(printer->out, "%zu thread%s", process->untracked_count + 1,
                plural(process->untracked_count + 1));
    else if (process->judged)
        put_leaked(printer->out, sums->leaked, sums->leaked_sites);
    else
        put_created(printer->out, sums);
    fputs(", ", printer->out);
    put_escaped(printer->out, command_name(process));
    fprintf(printer->out, " (pid %d)", (int)process->pid);
    put_test(printer->out, process->test);
    fprintf(printer->out, ", %s", end);
    if (process->how != END_ALIVE && !process->judged && sums->live + sums->finished)
        fputs(", not counted as leaks", printer->out);
    paint(printer, PLAIN);
    putc('\n', printer->out);
    /* Of several, the arguments are what tells one from the other. */
    if (!alone && process->argv && process->argv[0] && process->argv[1]) {
        fputs("command: ", printer->out);
        put_command(printer->out, process->argv, COMMAND_WIDTH);
        putc('\n', printer->out);
    }
    if (!process->watched)
        fputs("not watched, so thread creators are unknown; start it with `threadleak run` or\n"
              "LD_PRELOAD=libthreadleak.so to see them\n",
              printer->out);
    if (process->stacks && process->stacks->note) {
        fputs("current stacks: ", printer->out);
        put_escaped(printer->out, process->stacks->note);
        putc('\n', printer->out);
    }
}

/* ---- threads that no creation is known of ---------------------------------------------------- */

static void print_main(const struct printer *printer, const struct process_report *process)
{
    const struct thread_info *thread = process->main;
    char age[40];
    if (!thread)
        return;
    paint(printer, BOLD);
    fputs("\nmain", printer->out);
    paint(printer, PLAIN);
    format_duration(age, sizeof(age), thread->age_s);
    if (thread->age_s >= 0)
        fprintf(printer->out, "   alive %s", age);
    fputs(thread->state == 'Z' ? "   the main thread; it has ended, the process goes on\n"
                               : "   the main thread\n",
          printer->out);
    put_threads(printer->out, &(struct thread_list){.threads = thread, .count = 1}, 1);
    print_current(printer, thread, 1);
}

/* One by one, or in a line at the foot. */
static bool lists_untracked(const struct printer *printer, const struct process_report *process)
{
    return process->untracked_count && printer->style->others &&
           (process->how == END_ALIVE || process->untracked[0].current);
}

static void print_untracked_threads(const struct printer *printer, const struct process_report *process)
{
    if (!lists_untracked(printer, process))
        return;
    paint(printer, BOLD);
    fprintf(printer->out, process->watched ? "\nuntracked ×%zu" : "\nthread ×%zu", process->untracked_count);
    paint(printer, PLAIN);
    fputs(process->watched ? "   creation not seen\n" : "\n", printer->out);
    if (is_one_block(process->untracked, process->untracked_count))
        put_threads(printer->out,
                    &(struct thread_list){.threads = process->untracked, .count = process->untracked_count},
                    printer->style->all ? process->untracked_count : THREADS_SHOWN);
    print_current(printer, process->untracked, process->untracked_count);
}

/* ---- its foot ----------------------------------------------------------------------------- */

static void print_untracked(const struct printer *printer, const struct process_report *process)
{
    uint64_t count = process->counts.untracked;
    size_t shown = process->untracked_count < UNTRACKED_SHOWN ? process->untracked_count : UNTRACKED_SHOWN;
    if (!count || !process->watched || lists_untracked(printer, process))
        return;
    fprintf(printer->out, "untracked: %llu thread%s whose creation was not seen:", (unsigned long long)count,
            plural(count));
    for (size_t i = 0; i < shown; i++) {
        fprintf(printer->out, "%s tid %d \"", i ? "," : "", (int)process->untracked[i].tid);
        put_escaped(printer->out, process->untracked[i].name);
        putc('"', printer->out);
    }
    if (count > shown)
        fprintf(printer->out, " and %llu more", (unsigned long long)(count - shown));
    putc('\n', printer->out);
}

static void print_lost(const struct printer *printer, const struct process_report *process)
{
    if (process->counts.lost)
        fprintf(printer->out,
                "lost: the ledger was full for %llu creation%s; more threads may exist than are shown\n",
                (unsigned long long)process->counts.lost, plural(process->counts.lost));
}

static size_t hidden_by(const struct process_report *process, size_t from, const char *label)
{
    size_t threads = 0;
    for (size_t i = from; i < process->group_count; i++)
        if (is_hidden(&process->groups[i]) && !strcmp(process->groups[i].rule->label, label))
            threads += process->groups[i].thread_count;
    return threads;
}

/* "hidden: 4 threads of OpenMP's pool, 1 of GLib (built-in rules)" */
static void print_hidden(const struct printer *printer, const struct process_report *process)
{
    size_t labels = 0;
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        const char *label = is_hidden(group) ? group->rule->label : NULL;
        size_t threads = label ? hidden_by(process, i, label) : 0;
        if (!label || hidden_by(process, 0, label) > threads) /* told already */
            continue;
        fprintf(printer->out, labels ? ", %zu" : "hidden: %zu", threads);
        fprintf(printer->out,
                labels++       ? " of %s"
                : threads == 1 ? " thread of %s"
                               : " threads of %s",
                label + strlen(SUPPRESSION_BUILT_IN_LABEL));
    }
    if (labels)
        fprintf(printer->out, " (built-in rule%s)\n", plural(labels));
}

static void print_process_foot(const struct printer *printer, const struct process_report *process,
                               const struct sums *sums)
{
    const char *separator = "leaked: ";
    print_untracked(printer, process);
    if (!process->watched)
        return;
    if (printer->style->verbose >= 0)
        print_hidden(printer, process);
    print_lost(printer, process);
    for (int kind = 0; kind < LEAK_KINDS; kind++) {
        if (!sums->by_kind[kind])
            continue;
        fprintf(printer->out, "%s%llu %s", separator, (unsigned long long)sums->by_kind[kind],
                leak_kind_name((enum leak_kind)kind));
        separator = ", ";
    }
    if (sums->leaked)
        fputs(".   ", printer->out);
    if (sums->suppressed)
        fprintf(printer->out, "suppressed: %llu.   ", (unsigned long long)sums->suppressed);
    fprintf(printer->out, "created %llu, joined %llu, detached %llu, peak %llu.\n",
            (unsigned long long)process->counts.created, (unsigned long long)process->counts.joined,
            (unsigned long long)process->counts.detached, (unsigned long long)process->counts.peak);
}

/* ---- a process ------------------------------------------------------------------------------ */

static void print_process(const struct printer *of_report, const struct process_report *process, bool alone)
{
    const struct sums sums = sum_up(process);
    const struct printer own = {of_report->out, of_report->style, process}, *printer = &own;
    bool whole =
        printer->style->all || (alone && ((process->how == END_ALIVE && !process->checked) || process->core));
    bool gap = false;
    print_process_head(printer, process, &sums, alone);
    for (size_t i = 0; i < process->group_count && printer->style->verbose >= 0; i++) {
        const struct leak_group *group = &process->groups[i];
        if (group->counted || whole) {
            print_group(printer, group);
            gap = true;
            continue;
        }
        if (is_hidden(group))
            continue;
        if (gap)
            putc('\n', printer->out);
        gap = false;
        print_group_short(printer, group);
    }
    if (printer->style->others && printer->style->verbose >= 0) {
        print_main(printer, process);
        print_untracked_threads(printer, process);
        gap = gap || process->main || process->untracked_count;
    }
    if (gap && process->watched)
        putc('\n', printer->out);
    print_process_foot(printer, process, &sums);
}

/* A child that ended and left nothing of note needs no block of its own. */
static bool is_worth_a_block(const struct printer *printer, const struct report *report,
                             const struct process_report *process)
{
    return printer->style->all || report->process_count == 1 || process->how == END_ALIVE ||
           process->counts.lost || (process->group_count && process->groups[0].counted);
}

/* Is there no more to see of it with --all? */
static bool is_all_shown(const struct printer *printer, const struct process_report *process)
{
    if (!printer->style->others || process->untracked_count > BLOCKS_SHOWN)
        return false;
    for (size_t i = 0; i < process->group_count; i++)
        if (process->groups[i].thread_count > BLOCKS_SHOWN)
            return false;
    return true;
}

static void print_next_step(const struct printer *printer, const struct report *report)
{
    if (printer->style->verbose < 0 || printer->style->all)
        return;
    for (size_t i = 0; i < report->process_count; i++)
        if (report->processes[i].live && report->processes[i].how == END_ALIVE &&
            (report->processes[i].group_count || !report->processes[i].watched) &&
            !report->processes[i].checked &&
            !(report->process_count == 1 && is_all_shown(printer, &report->processes[i])))
            fprintf(printer->out, "to see every thread: threadleak report --all %d\n",
                    (int)report->processes[i].pid);
}

static void print_summary(FILE *out, const struct report *report)
{
    fputs("threadleak: ", out);
    put_leaked(out, report->summary.leaked_threads, report->summary.leak_sites);
    fprintf(out, " in %llu process%s\n", (unsigned long long)report->summary.processes,
            report->summary.processes == 1 ? "" : "es");
}

static void print_no_threads(FILE *out, const struct report *report)
{
    fprintf(out, "threadleak: no threads were created; %llu process%s watched",
            (unsigned long long)report->summary.processes, report->summary.processes == 1 ? "" : "es");
    if (report->unwatched_count)
        fprintf(out, ", %zu program%s not watched", report->unwatched_count, plural(report->unwatched_count));
    putc('\n', out);
}

static bool print_text(FILE *out, const struct report *report, const struct report_style *style)
{
    struct printer printer = {out, style, NULL};
    bool alone = report->process_count == 1, gap = !alone && report->timed_out_s <= 0;
    if (report->timed_out_s > 0) {
        char time[40];
        format_duration(time, sizeof(time), report->timed_out_s);
        fprintf(out,
                "threadleak: timed out after %s: reporting all live threads, then ending every process\n\n",
                time);
    }
    if (report->process_count == 0)
        print_no_threads(out, report);
    if (report->process_count > 1 && report->timed_out_s <= 0)
        print_summary(out, report);
    for (size_t i = 0; i < report->process_count; i++) {
        if (!is_worth_a_block(&printer, report, &report->processes[i]))
            continue;
        if (gap)
            putc('\n', out);
        gap = true;
        print_process(&printer, &report->processes[i], alone);
    }
    print_next_step(&printer, report);
    return fflush(out) == 0 && !ferror(out);
}

const struct report_format report_text = {
    .name = "text", .print = print_text, .is_log = true, .for_people = true};
