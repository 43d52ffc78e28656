#include "report/common/phrases.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/text.h"
#include "base/path.h"

#define THREADS_IN_LINE 3 /* about 80 columns */

void format_end(char *out, size_t size, const struct process_report *process)
{
    switch (process->how) {
    case END_SIGNAL:
        if (process->signal)
            snprintf(out, size, "killed by signal %d (%s)", process->signal, strsignal(process->signal));
        else
            snprintf(out, size, "killed, or its end was not recorded");
        break;
    case END_EXEC:
        snprintf(out, size, "exec of another program");
        break;
    case END_ALIVE:
        if (process->checked) {
            snprintf(out, size, process->since ? "since the checkpoint" : "since its start");
            break;
        }
        snprintf(out, size,
                 process->core         ? "alive when the core was written"
                 : process->abort.call ? "aborting"
                                       : "alive");
        break;
    default:
        if (!process->status_known)
            snprintf(out, size, "ended by %s, status unknown", end_how_name(process->how));
        else if (process->how == END_EXIT)
            snprintf(out, size, "exit status %d", process->status);
        else
            snprintf(out, size, "exit status %d by %s", process->status, end_how_name(process->how));
    }
}

/* A title that a program set itself is one argument with blanks, which ps does not quote. */
static const char *quote_for(const char *argument, bool alone)
{
    bool quoted = !*argument || strpbrk(argument, " \t\n\"'\\$&|;<>()*?`#");
    return quoted && !alone ? "'" : "";
}

bool put_command(FILE *out, const struct process_report *process, size_t width)
{
    char *const *argv = process->argv;
    size_t used = 0;
    for (size_t i = 0; argv[i]; i++) {
        const char *argument = i ? argv[i] : command_name(process);
        const char *quote = quote_for(argument, !i && !argv[1]);
        used += (i > 0) + 2 * strlen(quote) + escaped_width(argument);
        fputs(i ? " " : "", out);
        if (used > width) {
            fputs("...", out);
            return true;
        }
        fputs(quote, out);
        put_escaped(out, argument);
        fputs(quote, out);
    }
    return false;
}

void put_test(FILE *out, const char *test)
{
    if (!test)
        return;
    fputs(" in test ", out);
    put_escaped(out, test);
}

const char *unwatched_program(const struct unwatched *unwatched)
{
    return unwatched->exe ? unwatched->exe : unwatched->name;
}

void put_thread_name(FILE *out, const struct thread_info *thread)
{
    if (thread->id)
        fprintf(out, "T%llu", (unsigned long long)thread->id);
    if (!*thread->name)
        return;
    fputs(thread->id ? " \"" : "\"", out);
    put_escaped(out, thread->name);
    putc('"', out);
}

static void put_thread(FILE *out, const struct thread_info *thread)
{
    put_thread_name(out, thread);
    if (thread->tid > 0)
        fprintf(out, thread->id || *thread->name ? " tid %d" : "tid %d", (int)thread->tid);
}

/* Of "T3 "worker" tid 4245, ": what put_thread() prints. */
static size_t columns_of_thread(const struct thread_info *thread)
{
    char text[32];
    int number = thread->id ? snprintf(text, sizeof(text), "T%llu ", (unsigned long long)thread->id) : 0;
    int tid = thread->tid > 0 ? snprintf(text, sizeof(text), "tid %d ", (int)thread->tid) : 0;
    size_t name = *thread->name ? strlen("\"\" ") + escaped_width(thread->name) : 0;
    return (size_t)number + name + (size_t)tid + strlen(",");
}

void put_threads(FILE *out, const struct thread_info *const *threads, size_t count,
                 const struct thread_lines *lines)
{
    size_t shown = count < lines->max ? count : lines->max, column = 0;
    for (size_t i = 0; i < shown; i++) {
        size_t columns = columns_of_thread(threads[i]);
        bool full = lines->width ? column + columns > lines->width : i % THREADS_IN_LINE == 0;
        fputs(i == 0 ? "  " : full ? ",\n  " : ", ", out);
        column = i == 0 || full ? 2 + columns : column + columns;
        put_thread(out, threads[i]);
    }
    if (count > shown)
        fprintf(out, " and %zu more", count - shown);
    putc('\n', out);
}

void put_leaked(FILE *out, uint64_t threads, uint64_t sites, uint64_t lost)
{
    if (threads)
        fprintf(out, "%llu leaked thread%s at %llu site%s", (unsigned long long)threads, plural(threads),
                (unsigned long long)sites, plural(sites));
    else
        fputs(lost ? "not all threads were recorded, none of the others leaked" : "no leaked threads", out);
}

/* Counted groups come first. */
static bool leaks(const struct process_report *process)
{
    return process->group_count && process->groups[0].counted;
}

/* A process that ran several programs counts once. */
static uint64_t count_leaking(const struct report *report)
{
    uint64_t count = 0;
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        bool is_counted = false;
        for (size_t j = 0; leaks(process) && j < i && !is_counted; j++)
            is_counted = report->processes[j].pid == process->pid && leaks(&report->processes[j]);
        count += leaks(process) && !is_counted;
    }
    return count;
}

/* Of several runs, only processes with new leaks are known. */
static void put_leaking(FILE *out, const struct report *report)
{
    uint64_t leaking = report->runs.count ? 0 : count_leaking(report);
    fputs(" in ", out);
    if (leaking && leaking < report->summary.processes)
        fprintf(out, "%llu of ", (unsigned long long)leaking);
}

void put_summary(FILE *out, const struct report *report)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < report->process_count; i++)
        lost += report->processes[i].counts.lost;
    put_leaked(out, report->summary.leaked_threads, report->summary.leak_sites, lost);
    put_leaking(out, report);
    fprintf(out, "%llu process%s", (unsigned long long)report->summary.processes,
            report->summary.processes == 1 ? "" : "es");
}

void format_duration(char *out, size_t size, double seconds)
{
    long whole = (long)seconds;
    if (seconds < 0)
        snprintf(out, size, "?");
    else if (seconds < 0.0995)
        snprintf(out, size, "%.0f ms", seconds * 1000);
    else if (seconds < 99.95)
        snprintf(out, size, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(out, size, "%ld min %ld s", whole / 60, whole % 60);
    else if (whole < 48 * 3600)
        snprintf(out, size, "%ld h %ld min", whole / 3600, whole / 60 % 60);
    else
        snprintf(out, size, "%ld days %ld h", whole / 86400, whole / 3600 % 24);
}

void format_range(char *out, size_t size, double low, double high)
{
    char first[40], last[40];
    format_duration(first, sizeof(first), low);
    format_duration(last, sizeof(last), high);
    if (strcmp(first, last) == 0)
        snprintf(out, size, "%s", last);
    else
        snprintf(out, size, "%s to %s", first, last);
}

const char *format_runs(char out[RUNS_TEXT_MAX], const struct leak_group *group,
                        const struct report_runs *runs)
{
    int length =
        snprintf(out, RUNS_TEXT_MAX, "%llu of %llu run%s, first ", (unsigned long long)group->runs.count,
                 (unsigned long long)runs->count, plural(runs->count));
    if (runs->shake)
        snprintf(out + length, RUNS_TEXT_MAX - (size_t)length, "with --shake=%llu",
                 (unsigned long long)(runs->shake + group->runs.first - 1));
    else
        snprintf(out + length, RUNS_TEXT_MAX - (size_t)length, "in run %llu",
                 (unsigned long long)group->runs.first);
    return out;
}

const char *format_timeout(char out[TIMEOUT_TEXT_MAX], const struct report *report)
{
    char time[40];
    *out = '\0';
    format_duration(time, sizeof(time), report->timed_out_s);
    if (report->timed_out_s > 0)
        snprintf(out, TIMEOUT_TEXT_MAX, "timed out after %s", time);
    return out;
}

static void name_without_function(char *out, size_t size, const struct frame *frame)
{
    if (frame->module)
        snprintf(out, size, "%.200s+0x%llx", path_basename(frame->module), (unsigned long long)frame->offset);
    else
        snprintf(out, size, "0x%llx", (unsigned long long)frame->pc);
}

/* The cut is never inside a UTF-8 character. */
static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

#define WIDTH_LEAST 8 /* of a name that is cut in its middle */

/* Keeps the beginning, which has the namespace, and the end, which has the function. */
static void cut_middle(char *out, size_t size, const char *name, size_t width)
{
    size_t length = strlen(name), head = width / 2 - 2, tail = length - (width - head - 3);
    while (head > 0 && is_continuation(name[head]))
        head--;
    while (is_continuation(name[tail]))
        tail++;
    snprintf(out, size, "%.*s...%s", (int)head, name, name + tail);
}

void format_function(char *out, size_t size, const struct frame *frame, size_t width)
{
    width = width < WIDTH_LEAST ? WIDTH_LEAST : width;
    char address[PATH_MAX];
    const char *name = frame->function;
    if (!name) {
        name_without_function(address, sizeof(address), frame);
        name = address;
    }
    char *shorter = strlen(name) > width ? function_shorten(name, width) : NULL;
    name = shorter ? shorter : name;
    if (strlen(name) > width)
        cut_middle(out, size, name, width);
    else
        snprintf(out, size, "%s", name);
    free(shorter);
}

/* The path from the working directory. */
static const char *relative(const char *file)
{
    char here[PATH_MAX];
    size_t length = getcwd(here, sizeof(here)) ? strlen(here) : 0;
    bool is_below = length > 1 && strncmp(file, here, length) == 0 && file[length] == '/';
    return is_below ? file + length + 1 : file;
}

void format_place(char *out, size_t size, const struct frame *frame, bool whole)
{
    if (!frame->file) {
        snprintf(out, size, "%s", frame->module && frame->function ? path_basename(frame->module) : "");
        return;
    }
    const char *file = whole ? frame->file : relative(frame->file);
    while (file[0] == '.' && file[1] == '/')
        file += 2;
    if (frame->line > 0)
        snprintf(out, size, "%s:%d", file, frame->line);
    else
        snprintf(out, size, "%s", file);
}
