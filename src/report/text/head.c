/* The lines of a process before its threads. */
#include <string.h>

#include "base/escape.h"
#include "base/shim.h"
#include "base/text.h"
#include "common/ledger.h"
#include "report/common/interpreter.h"
#include "report/common/phrases.h"
#include "report/text/process.h"

#define FORK_SHOWN 8 /* missing threads */

struct thread_counts count_threads(const struct process_report *process)
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
static void print_title(const struct printer *printer, const struct process_report *process)
{
    const struct thread_counts counts = count_threads(process);
    char end[160];
    format_end(end, sizeof(end), process);
    paint(printer, BOLD);
    fputs("threadleak: ", printer->out);
    if (!process->watched)
        fprintf(printer->out, "%zu thread%s", process->untracked_count + 1,
                plural(process->untracked_count + 1));
    else if (process->judged)
        put_leaked(printer->out, counts.leaked, counts.leaked_sites, process->counts.lost);
    else
        put_created(printer->out, &counts, process);
    fputs(", ", printer->out);
    put_escaped(printer->out, command_name(process));
    fprintf(printer->out, " (pid %d)", (int)process->pid);
    put_test(printer->out, process->test);
    fprintf(printer->out, ", %s", end);
    if (process->how != END_ALIVE && !process->judged && counts.live + counts.finished)
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

static void print_act(const struct printer *printer, uint64_t id, pid_t tid, const char *act,
                      const struct frame *at)
{
    int width = id ? fprintf(printer->out, "T%llu%s", (unsigned long long)id,
                             id == LEDGER_MAIN_SERIAL ? " (main)" : "")
                   : fprintf(printer->out, "tid %d", (int)tid);
    width += fprintf(printer->out, " %s", act);
    if (at) {
        width += fprintf(printer->out, " at ");
        put_frame(printer, at, width > 0 ? (size_t)width : 0, 0); /* below 0: a write failed */
    }
    putc('\n', printer->out);
}

/* "T1 (main) called abort at flush   log.c:31", "T3 got SIGSEGV at parse   config.c:90" */
static void print_abort(const struct printer *printer, const struct process_report *process)
{
    const struct abort_info *call = &process->abort;
    const struct crash_info *crash = &process->crash;
    char act[32];
    if (call->call)
        print_act(printer, call->by, call->tid,
                  call->call == ABORT_CALL ? "called abort" : "failed an assertion", call->at);
    if (crash->signal) {
        snprintf(act, sizeof(act), "got %s", crash->signal);
        print_act(printer, crash->by, crash->tid, act, crash->at);
    }
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

/* Several processes may run one program: their arguments differ. */
static void print_arguments(const struct printer *printer, const struct process_report *process)
{
    unsigned width = printer->style->width;
    if (!process->argv || !process->argv[0] || !process->argv[1])
        return;
    fputs("command: ", printer->out);
    if (put_command(printer->out, process, width ? width - strlen("command: ") : SIZE_MAX))
        note_shortened(printer);
    putc('\n', printer->out);
}

/* What the report cannot show of the process, and why. */
static void print_not_seen(const struct printer *printer, const struct process_report *process)
{
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

/* A report of leaks alone is about what is unknown here. It must not look like one without leaks. */
static void print_unwatched(const struct printer *printer, const struct process_report *process)
{
    bool leaks = printer->style->verbose < 0 || !printer->style->others;
    fprintf(printer->out,
            "not watched, so %s are unknown; start it with `threadleak run` or\n"
            "%s to see them\n",
            leaks ? "its leaks" : "thread creators", shim_preload((char[SHIM_PRELOAD_MAX]){0}));
    if (process->live && process->how == END_ALIVE)
        fprintf(printer->out, "to see who creates new threads: threadleak attach %d\n", (int)process->pid);
}

void print_process_head(const struct printer *printer, const struct process_report *process, bool alone)
{
    print_title(printer, process);
    if (!alone)
        print_arguments(printer, process);
    if (!process->watched && !process->ledger_is_missing)
        print_unwatched(printer, process);
    if (process->stopped)
        fprintf(printer->out, "stopped by a signal, until 'kill -CONT %d'\n", (int)process->pid);
    print_fork(printer, &process->fork);
    print_abort(printer, process);
    print_not_seen(printer, process);
}
