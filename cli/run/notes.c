#include "cli/run/notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/common/cli.h"

#define PROGRAMS_SHOWN 4

static const char *plural_es(size_t count)
{
    return count == 1 ? "" : "es";
}

/* ---- not watched --------------------------------------------------------------- */

static bool same_program(const struct unwatched *a, const struct unwatched *b)
{
    return !strcmp(a->exe, b->exe) && a->why == b->why;
}

/* Is it the first entry of its program? */
static bool is_first(const struct report *report, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (same_program(&report->unwatched[i], &report->unwatched[index]))
            return false;
    return true;
}

static size_t times(const struct report *report, size_t index)
{
    size_t count = 0;
    for (size_t i = index; i < report->unwatched_count; i++)
        count += same_program(&report->unwatched[i], &report->unwatched[index]);
    return count;
}

static void put_programs(FILE *out, const struct report *report)
{
    size_t shown = 0, named = 0;
    for (size_t i = 0; i < report->unwatched_count && shown < PROGRAMS_SHOWN; i++) {
        if (!is_first(report, i))
            continue;
        size_t count = times(report, i);
        fprintf(out, "%s%s", shown++ ? ", " : "", report->unwatched[i].name);
        if (count > 1)
            fprintf(out, " ×%zu", count);
        fprintf(out, " (%s)", unwatched_why_text(report->unwatched[i].why));
        named += count;
    }
    if (named < report->unwatched_count)
        fprintf(out, " and %zu more", report->unwatched_count - named);
}

/* COMMAND's process itself may have called exec on such a program. */
static bool are_children(const struct report *report, pid_t command)
{
    for (size_t i = 0; i < report->unwatched_count; i++)
        if (report->unwatched[i].pid == command)
            return false;
    return true;
}

static void note_unwatched(const struct report *report, const struct run_options *given, pid_t command)
{
    char *programs = NULL;
    size_t size, count = report->unwatched_count;
    FILE *out = count ? open_memstream(&programs, &size) : NULL;
    if (!out)
        return;
    put_programs(out, report);
    if (fclose(out) == 0)
        cli_message("%s%zu %sprogram%s not watched: %s",
                    given->require_watched ? "run: --require-watched: " : "", count,
                    are_children(report, command) ? "child " : "", count == 1 ? " was" : "s were", programs);
    free(programs);
}

/* ---- not judged ------------------------------------------------------------------- */

/* Threads that would count as leaks if the end were judged. */
static size_t unjudged_threads(const struct process_report *process)
{
    size_t count = 0;
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        if (!group->suppressed_by && (process->kinds & leak_kind_bit(group->kind)))
            count += group->thread_count;
    }
    return count;
}

static void note_alive(const struct report *report)
{
    const struct process_report *first = NULL;
    size_t count = 0;
    for (size_t i = report->process_count; i-- > 0;) {
        if (report->processes[i].how != END_ALIVE)
            continue;
        first = &report->processes[i];
        count++;
    }
    if (!first)
        return;
    cli_message("%zu process%s still alive, not judged: %s (pid %d)%s; see 'threadleak report %d'", count,
                plural_es(count), command_name(first), (int)first->pid, count > 1 ? " and others" : "",
                (int)first->pid);
}

/* Exec is not among them: the process continues, so nothing has leaked yet. */
static bool is_unjudged_end(const struct process_report *process)
{
    return !process->judged &&
           (process->how == END__EXIT || process->how == END_QUICK_EXIT || process->how == END_SIGNAL);
}

static void put_ends(char *out, size_t size, const bool seen[])
{
    size_t used = 0;
    out[0] = '\0';
    for (int how = 0; how < END_HOWS; how++)
        if (seen[how])
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "," : "",
                                     end_how_name((enum end_how)how));
}

struct unjudged {
    const struct process_report *first; /* NULL: none */
    size_t count, threads;              /* of processes, and of their threads */
    bool seen[END_HOWS];                /* how they ended */
};

static struct unjudged find_unjudged(const struct report *report)
{
    struct unjudged found = {.first = NULL};
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        size_t threads = is_unjudged_end(process) ? unjudged_threads(process) : 0;
        if (!threads)
            continue;
        found.first = found.first ? found.first : process;
        found.threads += threads;
        found.count++;
        found.seen[process->how] = true;
    }
    return found;
}

static void note_unjudged(const struct report *report)
{
    const struct unjudged found = find_unjudged(report);
    const struct process_report *first = found.first;
    char ends[64];
    if (!first)
        return;
    put_ends(ends, sizeof(ends), found.seen);
    const char *leak = found.threads == 1 ? "a leak" : "leaks", *these = found.threads == 1 ? "it" : "them";
    if (found.count > 1)
        cli_message("%zu processes ended by %s with %zu thread%s alive or unjoined; not counted as %s "
                    "(--judge=%s counts %s): %s (pid %d) was the first",
                    found.count, ends, found.threads, plural(found.threads), leak, ends, these,
                    command_name(first), (int)first->pid);
    else if (first->how == END_SIGNAL && first->signal)
        cli_message("%s (pid %d) was killed by signal %d with %zu thread%s alive or unjoined; not counted as "
                    "%s (--judge=signal counts %s)",
                    command_name(first), (int)first->pid, first->signal, found.threads, plural(found.threads),
                    leak, these);
    else
        cli_message("%s (pid %d) ended by %s with %zu thread%s alive or unjoined; not counted as %s "
                    "(--judge=%s counts %s)",
                    command_name(first), (int)first->pid, first->how == END_SIGNAL ? "a signal" : ends,
                    found.threads, plural(found.threads), leak, ends, these);
}

/* ---- not recorded ---------------------------------------------------------------------- */

static void note_lost(const struct report *report)
{
    const struct process_report *most = NULL;
    size_t count = 0;
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        if (!process->counts.lost)
            continue;
        if (!most || process->counts.lost > most->counts.lost)
            most = process;
        count++;
    }
    if (!most)
        return;
    cli_message(
        "%llu creation%s of a thread by %s (pid %d)%s %s not recorded: %s",
        (unsigned long long)most->counts.lost, plural(most->counts.lost), command_name(most), (int)most->pid,
        count > 1 ? ", and some by others," : "", most->counts.lost == 1 && count == 1 ? "was" : "were",
        most->no_room ? "no room in the directory of the run; set TMPDIR to a directory with more room"
                      : "too many threads or creation sites at once for its ledger");
}

/* Its process has a message even with -q, since the status is 125. */
static bool lacks_command(const struct report *report, pid_t command)
{
    for (size_t i = 0; i < report->unwatched_count; i++) {
        enum unwatched_why why = report->unwatched[i].why;
        if (report->unwatched[i].pid == command &&
            (why == UNWATCHED_NO_ROOM || why == UNWATCHED_FILE_SIZE || why == UNWATCHED_MEMORY))
            return true;
    }
    return false;
}

/* A process in the report has these lines there. */
static void note_not_seen(const struct report *report, bool leaks_shown)
{
    const struct process_report *first = NULL;
    size_t count = 0;
    for (size_t i = report->process_count; i-- > 0;) {
        const struct process_report *process = &report->processes[i];
        bool in_report = leaks_shown &&
                         (report->process_count == 1 || (process->group_count && process->groups[0].counted));
        if (!process->not_seen || in_report)
            continue;
        first = process;
        count++;
    }
    for (char **sentence = first ? first->not_seen : NULL; sentence && *sentence; sentence++)
        cli_message("%s (pid %d)%s: %s", command_name(first), (int)first->pid, count > 1 ? " and others" : "",
                    *sentence);
}

/* ---- untracked --------------------------------------------------------------------------- */

/* A report in text names them. */
static void note_untracked(const struct report *report)
{
    const struct process_report *first = NULL;
    uint64_t threads = 0;
    size_t count = 0;
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        if (!process->watched || !process->judged || !process->counts.untracked)
            continue;
        first = first ? first : process;
        threads += process->counts.untracked;
        count++;
    }
    if (!first)
        return;
    cli_message(
        "%llu thread%s whose creation was not seen %s still alive at the end of %s (pid %d)%s: %s\"%s\"",
        (unsigned long long)threads, plural(threads), threads == 1 ? "was" : "were", command_name(first),
        (int)first->pid, count > 1 ? " and others" : "", threads > 1 ? "the first is " : "",
        first->untracked_count ? first->untracked[0].name : "?");
}

/* ---- judged by other options ---------------------------------------------------------- */

/* Otherwise the user would not notice that options of the program make a check weaker. */
static void note_other_options(const struct report *report)
{
    const struct process_report *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        if (!process->other_options)
            continue;
        first = first ? first : process;
        count++;
    }
    if (!first)
        return;
    char kinds[OPTIONS_LIST_MAX], ends[OPTIONS_LIST_MAX];
    options_report_text(first->kinds, kinds);
    options_judge_text(first->judges, ends);
    cli_message("%s (pid %d)%s judged by the options that the program set: report=%s, judge=%s",
                command_name(first), (int)first->pid, count > 1 ? " and others were" : " was", kinds, ends);
}

void run_notes_print(const struct report *report, const struct run_options *given, pid_t command)
{
    bool is_text = wanted_has_text(&given->outputs);
    /* A document on standard error must have no other lines around it. It contains these facts. */
    bool document = wanted_has_bare_document(&given->outputs), silent = given->verbose < 0 || document;
    if (!silent || given->require_watched || lacks_command(report, command))
        note_unwatched(report, given, command);
    if (!document)
        note_lost(report);
    if (silent)
        return;
    bool shown = is_text && given->verbose > 0;
    bool leaks_shown = is_text && (report->summary.leaked_threads || report->summary.crashed);
    if (!shown)
        note_not_seen(report, leaks_shown);
    if (!shown && !leaks_shown)
        note_alive(report);
    if (!shown && !(report->process_count == 1 && leaks_shown))
        note_unjudged(report);
    if (!shown && !leaks_shown)
        note_untracked(report);
    note_other_options(report);
}
