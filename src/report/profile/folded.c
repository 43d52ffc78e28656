/*
 * The format "folded": one line for each stack, "app;main;serve;[mutex lock] 17", the outermost function
 * first, as flamegraph.pl, inferno and speedscope read it.
 * https://github.com/brendangregg/FlameGraph#2-fold-stacks
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/escape.h"
#include "base/path.h"
#include "base/text.h"
#include "report/common/members.h"
#include "report/common/phrases.h"
#include "report/common/format.h"

#define NAME_MAX_BYTES 4096

struct folded {
    char **lines; /* without numbers */
    size_t count;
};

/* ---- a name ------------------------------------------------------------------------------- */

/* " 17" at the end: flamegraph.pl would take it for a second number of the line. */
static const char *number_at_end(const char *name)
{
    const char *end = name + strlen(name), *at = end;
    while (at > name && (isdigit((unsigned char)at[-1]) || at[-1] == '.'))
        at--;
    return at < end && at > name && at[-1] == ' ' ? at - 1 : NULL;
}

/* U+FFFE and U+FFFF, which an SVG must not contain. */
static bool is_no_character(const char *at)
{
    return !strncmp(at, "\xef\xbf\xbe", 3) || !strncmp(at, "\xef\xbf\xbf", 3);
}

static bool must_be_escaped(const char *name, const char *at, const char *number)
{
    bool begins_wrong = at == name && (*at == '#' || *at == ' '); /* a comment, for some */
    return *at == ';' || at == number || begins_wrong || (*at == ' ' && !at[1]);
}

/* As everywhere \xNN for other bytes than text, and for those that end a name, a line or a comment. */
static void put_name(FILE *out, const char *name)
{
    char *escaped = escaped_copy(name);
    const char *number = escaped ? number_at_end(escaped) : NULL;
    for (const char *at = escaped; at && *at; at++) {
        if (is_no_character(at)) {
            fprintf(out, "\\xef\\xbf\\x%02x", (unsigned char)at[2]);
            at += 2;
        } else if (must_be_escaped(escaped, at, number))
            fprintf(out, "\\x%02x", (unsigned char)*at);
        else
            putc(*at, out);
    }
    if (!escaped || !*escaped)
        putc('?', out);
    free(escaped);
}

/* ---- a stack ------------------------------------------------------------------------------ */

/* "app", or "app-4242" if there are several processes. */
static void put_process(FILE *out, const struct process_report *process, bool alone)
{
    char name[NAME_MAX_BYTES];
    const char *base = path_basename(command_name(process));
    if (alone)
        snprintf(name, sizeof(name), "%s", base);
    else
        snprintf(name, sizeof(name), "%.4000s-%d", base, (int)process->pid);
    put_name(out, name);
}

static void put_functions(FILE *out, const struct frame *const *frames, size_t count)
{
    char name[NAME_MAX_BYTES];
    for (size_t i = 0; i < count; i++) {
        format_function(name, sizeof(name), frames[i], sizeof(name) - 1);
        putc(';', out);
        put_name(out, name);
    }
}

/* The name of the object; those on the heap and on stacks have none. */
static const char *object_name(const struct wait *wait)
{
    return wait->place == PLACE_SYMBOL || wait->place == PLACE_MODULE ? wait->symbol : NULL;
}

/* ";[condvar jobs_ready]" after the functions. */
static void put_wait(FILE *out, const struct thread_info *thread)
{
    char text[NAME_MAX_BYTES];
    const struct thread_stack *current = thread->current;
    if (!current || (current->wait.on == WAIT_NONE && !current->wait.running))
        return;
    const struct wait *wait = &current->wait;
    const char *name = wait->on == WAIT_NONE ? "running" : wait_on_name(wait->on);
    const char *object = object_name(wait);
    snprintf(text, sizeof(text), "[%s%s%s]", name, object ? " " : "", object ? object : "");
    putc(';', out);
    put_name(out, text);
}

/* Before the functions, if they are those of its creation. */
static const char *why_creation(const struct member *member, const struct report_style *style)
{
    if (style->by_creation)
        return member->group ? "" : ";[creation not seen]";
    if (!member_is_by_creation(member, style))
        return "";
    return member->group->kind == LEAK_UNJOINED ? ";[unjoined, created by]"
                                                : ";[no current stack, created by]";
}

static bool put_stack(FILE *out, const struct member *member, const struct report_style *style)
{
    size_t count;
    const struct frame **frames = member_frames(member, style, &count);
    if (!frames)
        return false;
    fputs(why_creation(member, style), out);
    if (!count && !style->by_creation)
        fputs(";[no stack]", out);
    put_functions(out, (const struct frame *const *)frames, count);
    if (count && !member_is_by_creation(member, style))
        put_wait(out, member->thread);
    free(frames);
    return true;
}

/* ---- the document ------------------------------------------------------------------------- */

static bool add_line(struct folded *folded, const struct process_report *process, const struct member *member,
                     const struct report_style *style, bool alone)
{
    struct text_buffer line;
    if (!ARRAY_GROW(folded->lines, folded->count) || !text_open(&line))
        return false;
    put_process(line.out, process, alone);
    bool done = put_stack(line.out, member, style);
    char *text = text_close(&line);
    if (text)
        folded->lines[folded->count++] = text;
    return done && text;
}

static bool add_process(struct folded *folded, const struct process_report *process,
                        const struct report_style *style, bool alone)
{
    struct members members;
    bool done = members_find(&members, process, style);
    for (size_t i = 0; i < members.count && done; i++)
        done = add_line(folded, process, &members.items[i], style, alone);
    free(members.items);
    return done;
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void put_counted(FILE *out, const struct folded *folded)
{
    for (size_t i = 0, next; i < folded->count; i = next) {
        for (next = i + 1; next < folded->count && !strcmp(folded->lines[i], folded->lines[next]);)
            next++;
        fprintf(out, "%s %zu\n", folded->lines[i], next - i);
    }
}

static bool print_folded(FILE *out, const struct report *report, const struct report_style *style)
{
    struct folded folded = {.count = 0};
    bool done = true;
    for (size_t i = 0; i < report->process_count && done; i++)
        done = add_process(&folded, &report->processes[i], style, report->process_count == 1);
    if (done && folded.count) {
        qsort(folded.lines, folded.count, sizeof(*folded.lines), compare);
        put_counted(out, &folded);
    }
    for (size_t i = 0; i < folded.count; i++)
        free(folded.lines[i]);
    free(folded.lines);
    return done;
}

const struct report_format report_folded = {.name = "folded", .print = print_folded};
