/*
 * The format "tap": Test Anything Protocol, version 13: a test point for each process,
 * the leaks as a block of YAML.  https://testanything.org/tap-version-13-specification.html
 *
 * TAP::Parser reads a subset of YAML: no flow collections, no folded text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "report/frame_text.h"
#include "report/leak_line.h"
#include "report/process_text.h"
#include "report/report.h"
#include "report/test_points.h"
#include "report/text_buffer.h"

/* A '#' would begin a directive. */
static void put_description(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '#' || *text == '\\')
            putc('\\', out);
        putc(*text, out);
    }
}

/* Double-quoted.  `text` has no control characters; YAML excludes U+FFFE and U+FFFF too. */
static void put_quoted(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        if (strncmp(text, "\xef\xbf\xbe", 3) == 0 || strncmp(text, "\xef\xbf\xbf", 3) == 0) {
            fprintf(out, "\\uFFF%c", text[2] == '\xbe' ? 'E' : 'F');
            text += 2;
            continue;
        }
        if (*text == '"' || *text == '\\')
            putc('\\', out);
        putc(*text, out);
    }
    putc('"', out);
}

static bool put_pair(FILE *out, const char *key, const char *text)
{
    char *clean = escaped_copy(text);
    if (!clean)
        return false;
    fputs(key, out);
    put_quoted(out, clean);
    putc('\n', out);
    free(clean);
    return true;
}

/* "stack:", and one line a frame: "- "pool_start src/pool.c:42"" */
static bool put_stack(FILE *out, const char *key, const struct frame *frames, size_t count)
{
    bool done = true;
    if (!count)
        return true;
    fprintf(out, "      %s:\n", key);
    for (size_t i = 0; i < count && done; i++) {
        char name[512], place[1200], text[sizeof(name) + sizeof(place) + 2];
        format_function(name, sizeof(name), &frames[i], sizeof(name) - 1);
        format_place(place, sizeof(place), &frames[i], false);
        snprintf(text, sizeof(text), "%s%s%s", name, *place ? " " : "", place);
        done = put_pair(out, "        - ", text);
    }
    return done;
}

/* The current stack of the first that has one. */
static bool put_current(FILE *out, const struct leak_group *group)
{
    for (size_t i = 0; i < group->thread_count; i++) {
        const struct thread_stack *current = group->threads[i].current;
        if (!current || !current->stack)
            continue;
        if (current->wait.text && !put_pair(out, "      waiting: ", current->wait.text))
            return false;
        return put_stack(out, "present_stack", current->stack->frames, current->stack->count);
    }
    return true;
}

static bool put_group(FILE *out, const struct leak_group *group)
{
    char *line = leak_line(group, group->thread_count, 1);
    bool done = line && put_pair(out, "    - message: ", line);
    free(line);
    if (!done)
        return false;
    fprintf(out, "      kind: %s\n      count: %zu\n      counted: %s\n      fingerprint: \"%s\"\n",
            leak_kind_name(group->kind), group->thread_count, group->counted ? "true" : "false",
            group->fingerprint);
    if (group->suppressed_by && !put_pair(out, "      suppressed_by: ", group->suppressed_by))
        return false;
    return put_stack(out, "creation_stack", group->stack, group->stack_count) && put_current(out, group);
}

static bool put_process(FILE *out, const struct process_report *process)
{
    char end[160];
    bool done = true;
    format_end(end, sizeof(end), process);
    fprintf(out, "  pid: %d\n", (int)process->pid);
    if (process->exe && !put_pair(out, "  exe: ", process->exe))
        return false;
    if (!put_pair(out, "  end: ", end))
        return false;
    if (process->counts.lost)
        fprintf(out, "  lost_events: %llu\n", (unsigned long long)process->counts.lost);
    if (process->group_count)
        fputs("  threads:\n", out);
    for (size_t i = 0; i < process->group_count && done; i++)
        done = put_group(out, &process->groups[i]);
    return done;
}

static bool has_diagnostics(const struct test_point *point)
{
    return point->error || (point->process && (point->process->group_count || point->process->counts.lost));
}

static bool put_point(FILE *out, const struct test_point *point, size_t number)
{
    bool done = true;
    fprintf(out, "%s %zu - ", point->failures || point->error ? "not ok" : "ok", number);
    put_description(out, point->name);
    if (point->skipped) {
        fputs(" # SKIP ", out);
        put_description(out, point->skipped);
    }
    putc('\n', out);
    if (!has_diagnostics(point))
        return true;
    fputs("  ---\n", out);
    if (point->error)
        done = put_pair(out, "  message: ", point->error);
    if (point->process)
        done = put_process(out, point->process);
    fputs("  ...\n", out);
    return done;
}

static bool print_tap(FILE *out, const struct report *report, const struct report_style *style)
{
    struct test_points points;
    (void)style;
    bool done = test_points_make(&points, report);
    if (done)
        fprintf(out, "TAP version 13\n1..%zu\n", points.count);
    for (size_t i = 0; i < points.count && done; i++)
        done = put_point(out, &points.items[i], i + 1);
    test_points_release(&points);
    return done;
}

const struct report_format report_tap = {.name = "tap", .print = print_tap};
