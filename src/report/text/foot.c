/* The lines of a process after its threads. */
#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "report/common/phrases.h"
#include "report/text/process.h"
#include "suppress/suppress.h"

#define UNTRACKED_SHOWN 4 /* names in the line that counts them */

bool lists_untracked(const struct printer *printer, const struct process_report *process)
{
    return process->untracked_count && (printer->style->others || is_verbose(printer)) &&
           (process->how == END_ALIVE || process->untracked[0].current);
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

/* "leaked: 4 running, 2 unjoined.   created 7, joined 0, detached 1, peak 7." */
static void print_totals(const struct printer *printer, const struct process_report *process)
{
    const struct thread_counts counts = count_threads(process);
    const char *separator = "leaked: ";
    for (int kind = 0; kind < LEAK_KINDS; kind++) {
        if (!counts.by_kind[kind])
            continue;
        fprintf(printer->out, "%s%llu %s", separator, (unsigned long long)counts.by_kind[kind],
                leak_kind_name((enum leak_kind)kind));
        separator = ", ";
    }
    if (counts.leaked)
        fputs(".   ", printer->out);
    if (counts.suppressed)
        fprintf(printer->out, "suppressed: %llu.   ", (unsigned long long)counts.suppressed);
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

void print_foot(const struct printer *printer, const struct process_report *process, bool all)
{
    print_untracked(printer, process);
    if (!process->watched)
        return;
    if (printer->style->verbose >= 0)
        print_hidden(printer, all);
    print_lost(printer, process);
    print_totals(printer, process);
}

void print_process_foot(const struct printer *of_tree, const struct process_report *process)
{
    struct report_style style = *of_tree->style;
    struct printer printer = *of_tree;
    style.all = true;
    printer.style = &style;
    print_foot(&printer, process, true);
}
