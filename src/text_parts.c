#include "text_parts.h"

#include <string.h>
#include <unistd.h>
#include <limits.h>

void put_escaped(FILE *out, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at < 0x20 || *at == 0x7f)
            fprintf(out, "\\x%02x", *at);
        else
            putc(*at, out);
    }
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

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
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
    /* The beginning has the namespace, the end the function: both matter. */
    size_t head = width / 2 - 2, tail = width - head - 3;
    snprintf(out, size, "%.*s...%s", (int)head, name, name + length - tail);
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
    if (!whole && strlen(file) > 60) { /* the last folders tell it apart */
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

const char *command_name(const struct process_report *process)
{
    if (process->argv && process->argv[0] && *process->argv[0])
        return process->argv[0];
    return process->exe ? process->exe : "?";
}

void format_end(char *out, size_t size, const struct process_report *process)
{
    switch (process->how) {
    case END_SIGNAL:
        if (process->signal)
            snprintf(out, size, "killed by signal %d (%s)", process->signal, strsignal(process->signal));
        else
            snprintf(out, size, "did not end by itself");
        break;
    case END_EXEC:
        snprintf(out, size, "exec of another program");
        break;
    case END_ALIVE:
        snprintf(out, size, "alive");
        break;
    default:
        snprintf(out, size, "%s%sexit status %d", process->how == END_EXIT ? "" : end_how_name(process->how),
                 process->how == END_EXIT ? "" : ", ", process->status);
    }
}

void put_threads(FILE *out, const struct leak_group *group, size_t most)
{
    for (size_t i = 0; i < group->thread_count && i < most; i++) {
        const struct thread_info *thread = &group->threads[i];
        fprintf(out, "%sT%llu", i ? ", " : "", (unsigned long long)thread->id);
        if (*thread->name) {
            fputs(" \"", out);
            put_escaped(out, thread->name);
            putc('"', out);
        }
        if (thread->tid > 0)
            fprintf(out, " tid %d", (int)thread->tid);
    }
    if (group->thread_count > most)
        fprintf(out, " and %zu more", group->thread_count - most);
}
