#include "report/text/text.h"

#include <string.h>

#include "base/escape.h"
#include "base/shim.h"
#include "base/text.h"
#include "common/ledger.h"
#include "report/common/interpreter.h"
#include "report/common/phrases.h"
#include "suppress/suppress.h"

#define UNTRACKED_SHOWN 4 /* names in the line that counts them */
#define FORK_SHOWN 8      /* missing threads */

struct thread_counts {
    uint64_t live, finished, sites; /* of all groups */
    uint64_t leaked, leaked_sites;  /* of those that are counted */
    uint64_t by_kind[LEAK_KINDS];   /* of those that are counted */
    uint64_t suppressed;            /* by rules that are not built in */
};

static struct thread_counts count_threads(const struct process_report *process)
{
    struct thread_counts counts = {0};
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        *(group->kind == LEAK_UNJOINED ? &counts.finished : &counts.live) += group->thread_count;
        counts.sites += group->first_of_site;
        counts.suppressed += group->suppressed_by && !is_hidden_group(group) ? group->thread_count : 0;
        if (!group->counted)
            continue;
        counts.leaked += group->thread_count;
        counts.leaked_sites += group->first_of_site;
        counts.by_kind[group->kind] += group->thread_count;
    }
    return counts;
}

/* "51 live threads and 66 finished but not joined, at 3 sites" */
static void put_created(FILE *out, const struct thread_counts *counts, const struct process_report *process)
{
    uint64_t untracked = process->counts.untracked;
    if (!counts->live && !counts->finished && !process->counts.created && untracked)
        fprintf(out, "%llu thread%s whose creation was not seen", (unsigned long long)untracked,
                plural(untracked));
    else if (!counts->live && !counts->finished)
        fputs(process->counts.created ? "no created threads alive or unjoined" : "no threads created", out);
    if (!counts->live && !counts->finished)
        return;
    if (counts->live)
        fprintf(out, "%llu live thread%s%s", (unsigned long long)counts->live, plural(counts->live),
                counts->finished ? " and " : "");
    if (counts->finished)
        fprintf(out, "%llu%s%s finished but not joined,", (unsigned long long)counts->finished,
                counts->live ? "" : " thread", counts->live ? "" : plural(counts->finished));
    fprintf(out, " at %llu site%s", (unsigned long long)counts->sites, plural(counts->sites));
}

/* "threadleak: 2 leaked threads at 1 site, ./app (pid 4242), exit status 0" */
static void print_title(const struct printer *printer, const struct process_report *process,
                        const struct thread_counts *counts)
{
    char end[160];
    format_end(end, sizeof(end), process);
    paint(printer, BOLD);
    fputs("threadleak: ", printer->out);
    if (!process->watched)
        fprintf(printer->out, "%zu thread%s", process->untracked_count + 1,
                plural(process->untracked_count + 1));
    else if (process->judged)
        put_leaked(printer->out, counts->leaked, counts->leaked_sites, process->counts.lost);
    else
        put_created(printer->out, counts, process);
    fputs(", ", printer->out);
    put_escaped(printer->out, command_name(process));
    fprintf(printer->out, " (pid %d)", (int)process->pid);
    put_test(printer->out, process->test);
    fprintf(printer->out, ", %s", end);
    if (process->how != END_ALIVE && !process->judged && counts->live + counts->finished)
        fputs(", not counted as leaks", printer->out);
    paint(printer, PLAIN);
    putc('\n', printer->out);
}

/* "forked from process 4242 by its T1 (main) at serve   server.c:88"
 * "T2, T3 of process 4242 do not exist here" */
static void print_fork(const struct printer *printer, const struct fork_info *fork)
{
    size_t count = fork->missing_count, listed = count < FORK_SHOWN ? count : FORK_SHOWN;
    if (!fork->parent)
        return;
    int width = fprintf(printer->out, "forked from process %d", (int)fork->parent);
    if (fork->by)
        width += fprintf(printer->out, " by its T%llu%s", (unsigned long long)fork->by,
                         fork->by == LEDGER_MAIN_SERIAL ? " (main)" : "");
    if (fork->at) {
        width += fprintf(printer->out, " at ");
        put_frame(printer, fork->at, width > 0 ? (size_t)width : 0, 0); /* below 0: a write failed */
    }
    putc('\n', printer->out);
    if (!count)
        return;
    for (size_t i = 0; i < listed; i++)
        fprintf(printer->out, "%sT%llu", i ? ", " : "", (unsigned long long)fork->missing[i]);
    if (count > listed)
        fprintf(printer->out, " and %zu more threads", count - listed);
    fprintf(printer->out, " of process %d do%s not exist here\n", (int)fork->parent, count == 1 ? "es" : "");
}

/* "T1 (main) called abort at flush   log.c:31" */
static void print_abort(const struct printer *printer, const struct abort_info *call)
{
    if (!call->call)
        return;
    int width = call->by ? fprintf(printer->out, "T%llu%s", (unsigned long long)call->by,
                                   call->by == LEDGER_MAIN_SERIAL ? " (main)" : "")
                         : fprintf(printer->out, "tid %d", (int)call->tid);
    width +=
        fprintf(printer->out, strcmp(call->call, "abort") == 0 ? " called abort" : " failed an assertion");
    if (call->at) {
        width += fprintf(printer->out, " at ");
        put_frame(printer, call->at, width > 0 ? (size_t)width : 0, 0); /* below 0: a write failed */
    }
    putc('\n', printer->out);
}

/* "replaced or deleted while the process uses it: /srv/app, /srv/libapp.so" */
static void print_replaced(const struct printer *printer, char *const *paths)
{
    for (size_t i = 0; paths && paths[i]; i++) {
        fputs(i ? ", " : "replaced or deleted while the process uses it: ", printer->out);
        put_escaped(printer->out, paths[i]);
    }
    if (paths && paths[0])
        putc('\n', printer->out);
}

/* "Python functions are not shown; py-spy prints them: py-spy dump --pid 4242" */
static void print_interpreter(const struct printer *printer, const struct process_report *process)
{
    const struct interpreter *interpreter =
        printer->style->verbose >= 0 ? process_interpreter(process) : NULL;
    if (!interpreter)
        return;
    bool runs = process->live && process->how == END_ALIVE && printer->report->timed_out_s <= 0;
    fprintf(printer->out, "%s functions are not shown; to see them%s: %s ", interpreter->language,
            runs ? "" : " while it runs", interpreter->tool);
    if (runs)
        fprintf(printer->out, "%d\n", (int)process->pid);
    else
        fputs("PID\n", printer->out);
}

static void print_head(const struct printer *printer, const struct process_report *process,
                       const struct thread_counts *counts, bool alone)
{
    print_title(printer, process, counts);
    /* Several processes may run one program: their arguments differ. */
    if (!alone && process->argv && process->argv[0] && process->argv[1]) {
        fputs("command: ", printer->out);
        unsigned width = printer->style->width;
        if (put_command(printer->out, process, width ? width - strlen("command: ") : SIZE_MAX))
            note_shortened(printer);
        putc('\n', printer->out);
    }
    if (!process->watched)
        fprintf(printer->out,
                "not watched, so thread creators are unknown; start it with `threadleak run` or\n"
                "%s to see them\n",
                shim_preload((char[SHIM_PRELOAD_MAX]){0}));
    if (process->stopped)
        fprintf(printer->out, "stopped by a signal, until 'kill -CONT %d'\n", (int)process->pid);
    print_fork(printer, &process->fork);
    print_abort(printer, &process->abort);
    for (char **sentence = process->not_seen; sentence && *sentence; sentence++) {
        put_escaped(printer->out, *sentence);
        putc('\n', printer->out);
    }
    print_replaced(printer, process->replaced);
    if (process->stacks && process->stacks->note) {
        fputs("current stacks: ", printer->out);
        put_escaped(printer->out, process->stacks->note);
        putc('\n', printer->out);
    }
    print_interpreter(printer, process);
    print_reach(printer, process->stacks);
}

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
    print_names(printer, thread, 1, true);
    print_stacks(printer, thread, 1);
}

/* True: prints them with their stacks; false: print_foot() names them in one line. */
static bool lists_untracked(const struct printer *printer, const struct process_report *process)
{
    return process->untracked_count && (printer->style->others || is_verbose(printer)) &&
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
    print_names(printer, process->untracked, process->untracked_count, printer->style->all);
    print_stacks(printer, process->untracked, process->untracked_count);
}

static void print_untracked(const struct printer *printer, const struct process_report *process)
{
    uint64_t count = process->counts.untracked;
    size_t max = is_verbose(printer) ? SIZE_MAX : UNTRACKED_SHOWN;
    size_t shown = process->untracked_count < max ? process->untracked_count : max;
    if (!count || !process->watched || lists_untracked(printer, process))
        return;
    fprintf(printer->out, "untracked: %llu thread%s whose creation was not seen:", (unsigned long long)count,
            plural(count));
    for (size_t i = 0; i < shown; i++) {
        fprintf(printer->out, "%s tid %d \"", i ? "," : "", (int)process->untracked[i].tid);
        put_escaped(printer->out, process->untracked[i].name);
        putc('"', printer->out);
        if (process->untracked[i].fault)
            fprintf(printer->out, " (took %s after the end began)", process->untracked[i].fault);
    }
    if (count > shown)
        note_shortened(printer);
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
    if (process->counts.lost_places)
        fprintf(
            printer->out,
            "lost: the ledger had no room for the places of %llu creation%s; rules for places do not match "
            "these threads\n",
            (unsigned long long)process->counts.lost_places, plural(process->counts.lost_places));
    if (process->counts.lost_tests)
        fprintf(printer->out, "lost: the ledger had no room for the names of %llu test%s\n",
                (unsigned long long)process->counts.lost_tests, plural(process->counts.lost_tests));
}

/* The label of the rule that hides a group; NULL: it is not hidden. */
static const char *hider(const struct printer *printer, const struct leak_group *group, bool all)
{
    return is_hidden_group(group) && !is_full_group(printer, group, all) ? group->rule->label : NULL;
}

static size_t hidden_by(const struct printer *printer, size_t from, const char *label, bool all)
{
    const struct process_report *process = printer->process;
    size_t threads = 0;
    for (size_t i = from; i < process->group_count; i++) {
        const char *other = hider(printer, &process->groups[i], all);
        threads += other && !strcmp(other, label) ? process->groups[i].thread_count : 0;
    }
    return threads;
}

/* "hidden: 4 threads of OpenMP's pool, 1 of GLib (built-in rules)" */
static void print_hidden(const struct printer *printer, bool all)
{
    const struct process_report *process = printer->process;
    size_t labels = 0;
    for (size_t i = 0; i < process->group_count; i++) {
        const char *label = hider(printer, &process->groups[i], all);
        size_t threads = label ? hidden_by(printer, i, label, all) : 0;
        if (!label || hidden_by(printer, 0, label, all) > threads) /* already named */
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

/* all: as of print_groups(). */
static void print_foot(const struct printer *printer, const struct process_report *process,
                       const struct thread_counts *counts, bool all)
{
    const char *separator = "leaked: ";
    print_untracked(printer, process);
    if (!process->watched)
        return;
    if (printer->style->verbose >= 0)
        print_hidden(printer, all);
    print_lost(printer, process);
    for (int kind = 0; kind < LEAK_KINDS; kind++) {
        if (!counts->by_kind[kind])
            continue;
        fprintf(printer->out, "%s%llu %s", separator, (unsigned long long)counts->by_kind[kind],
                leak_kind_name((enum leak_kind)kind));
        separator = ", ";
    }
    if (counts->leaked)
        fputs(".   ", printer->out);
    if (counts->suppressed)
        fprintf(printer->out, "suppressed: %llu.   ", (unsigned long long)counts->suppressed);
    fprintf(printer->out, "created %llu, ", (unsigned long long)process->counts.created);
    if (process->counts.failed)
        fprintf(printer->out, "failed %llu, ", (unsigned long long)process->counts.failed);
    fprintf(printer->out, "joined %llu, detached %llu, ", (unsigned long long)process->counts.joined,
            (unsigned long long)process->counts.detached);
    if (process->counts.released)
        fprintf(printer->out, "joined or detached unseen %llu, ",
                (unsigned long long)process->counts.released);
    fprintf(printer->out, "peak %llu.\n", (unsigned long long)process->counts.peak);
}

void print_process_head(const struct printer *printer, const struct process_report *process, bool alone)
{
    const struct thread_counts counts = count_threads(process);
    print_head(printer, process, &counts, alone);
}

void print_process_foot(const struct printer *of_tree, const struct process_report *process)
{
    const struct thread_counts counts = count_threads(process);
    struct report_style style = *of_tree->style;
    struct printer printer = *of_tree;
    style.all = true;
    printer.style = &style;
    print_foot(&printer, process, &counts, true);
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
    const struct thread_counts counts = count_threads(process);
    struct named_threads named;
    named_threads_make(&named, process);
    struct report_style style = *of_report->style;
    style.others |= process->abort.call != NULL;
    const struct printer printer = {of_report->out,    &style, process,
                                    of_report->report, &named, of_report->shortened};
    bool is_moment = is_snapshot(process) || process->abort.call, gap = false;
    bool all = printer.style->all || (alone && is_moment);
    print_head(&printer, process, &counts, alone);
    if (printer.style->verbose >= 0)
        gap = print_body(&printer, process, all);
    else
        print_sites(&printer, process);
    if (gap && process->watched)
        putc('\n', printer.out);
    print_foot(&printer, process, &counts, all);
    named_threads_release(&named);
}
