#include "report/text_parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbolize/symbolize.h"

#define THREADS_IN_LINE 4

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

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* A character is not cut in two. */
static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

void format_function(char *out, size_t size, const struct frame *frame, size_t width)
{
    char place[PATH_MAX];
    const char *name = frame->function;
    if (!name) {
        if (frame->module)
            snprintf(place, sizeof(place), "%.200s+0x%llx", base_name(frame->module),
                     (unsigned long long)frame->offset);
        else
            snprintf(place, sizeof(place), "0x%llx", (unsigned long long)frame->pc);
        name = place;
    }
    size_t length = strlen(name);
    if (length <= width) {
        snprintf(out, size, "%s", name);
        return;
    }
    char *shorter = function_shorten(name, width);
    name = shorter ? shorter : name;
    length = strlen(name);
    if (length <= width) {
        snprintf(out, size, "%s", name);
        free(shorter);
        return;
    }
    /* The beginning has the namespace, the end the function: both matter. */
    size_t head = width / 2 - 2, tail = length - (width - head - 3);
    while (head > 0 && is_continuation(name[head]))
        head--;
    while (is_continuation(name[tail]))
        tail++;
    snprintf(out, size, "%.*s...%s", (int)head, name, name + tail);
    free(shorter);
}

void format_place(char *out, size_t size, const struct frame *frame, bool whole)
{
    char here[PATH_MAX];
    if (!frame->file) {
        snprintf(out, size, "%s", frame->module && frame->function ? base_name(frame->module) : "");
        return;
    }
    const char *file = frame->file;
    size_t length = getcwd(here, sizeof(here)) ? strlen(here) : 0;
    if (!whole && length > 1 && strncmp(file, here, length) == 0 && file[length] == '/')
        file += length + 1;
    while (file[0] == '.' && file[1] == '/')
        file += 2;
    if (!whole && strlen(file) > 60) { /* the last directories tell it apart */
        const char *cut = file + strlen(file) - 60;
        const char *slash = strchr(cut, '/');
        snprintf(out, size, "...%s:%d", slash ? slash : cut, frame->line);
        return;
    }
    if (frame->line > 0)
        snprintf(out, size, "%s:%d", file, frame->line);
    else
        snprintf(out, size, "%s", file);
}

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
        snprintf(out, size, process->core ? "alive when the core was written" : "alive");
        break;
    default:
        if (process->how == END_EXIT)
            snprintf(out, size, "exit status %d", process->status);
        else
            snprintf(out, size, "exit status %d by %s", process->status, end_how_name(process->how));
    }
}

void put_command(FILE *out, char *const *argv, size_t width)
{
    size_t used = 0;
    for (size_t i = 0; argv[i]; i++) {
        const char *quote = !*argv[i] || strpbrk(argv[i], " \t\n\"'\\$&|;<>()*?`#") ? "'" : "";
        used += (i > 0) + 2 * strlen(quote) + escaped_width(argv[i]);
        fputs(i ? " " : "", out);
        if (used > width) {
            fputs("...", out);
            return;
        }
        fputs(quote, out);
        put_escaped(out, argv[i]);
        fputs(quote, out);
    }
}

void put_test(FILE *out, const char *test)
{
    if (!test)
        return;
    fputs(" in test ", out);
    put_escaped(out, test);
}

static void put_thread(FILE *out, const struct thread_info *thread)
{
    if (thread->id)
        fprintf(out, "T%llu", (unsigned long long)thread->id);
    if (*thread->name) {
        fputs(thread->id ? " \"" : "\"", out);
        put_escaped(out, thread->name);
        putc('"', out);
    }
    if (thread->tid > 0)
        fprintf(out, thread->id || *thread->name ? " tid %d" : "tid %d", (int)thread->tid);
}

void put_threads(FILE *out, const struct thread_list *list, size_t most)
{
    size_t shown = list->count < most ? list->count : most;
    for (size_t i = 0; i < shown; i++) {
        fputs(i == 0 ? "  " : i % THREADS_IN_LINE == 0 ? ",\n  " : ", ", out);
        put_thread(out, list->chosen ? list->chosen[i] : &list->threads[i]);
    }
    if (list->count > shown)
        fprintf(out, " and %zu more", list->count - shown);
    putc('\n', out);
}
