/*
 * The format "tap": Test Anything Protocol, version 13: a test point for each process,
 * the leaks as a block of YAML.  https://testanything.org/tap-version-13-specification.html
 *
 * TAP::Parser reads a subset of YAML: no flow collections, no folded text.
 */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "report/common/phrases.h"
#include "report/common/finding_text.h"
#include "report/common/leak_line.h"
#include "report/common/format.h"
#include "report/ci/test_points.h"

/* A '#' would begin a directive. */
static void put_description(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '#' || *text == '\\')
            putc('\\', out);
        putc(*text, out);
    }
}

/* Double-quoted.  YAML excludes U+FFFE and U+FFFF; other bytes that are not plain text become \xNN. */
static void put_quoted(FILE *out, const char *text)
{
    putc('"', out);
    for (size_t length; *text; text += length ? length : 1) {
        length = plain_length(text);
        if (!length) {
            fprintf(out, "\\\\x%02x", (unsigned char)*text);
        } else if (length == 3 && !memcmp(text, "\xef\xbf", 2) && (unsigned char)text[2] >= 0xbe) {
            fprintf(out, "\\uFFF%c", text[2] == '\xbe' ? 'E' : 'F');
        } else {
            if (*text == '"' || *text == '\\')
                putc('\\', out);
            fwrite(text, 1, length, out);
        }
    }
    putc('"', out);
}

static void put_pair(FILE *out, const char *key, const char *text)
{
    fputs(key, out);
    put_quoted(out, text);
    putc('\n', out);
}

/* "stack:", and one line a frame: "- "pool_start src/pool.c:42"" */
static void put_stack(FILE *out, const char *key, const struct frame *frames, size_t count)
{
    if (count)
        fprintf(out, "      %s:\n", key);
    for (size_t i = 0; i < count; i++) {
        char name[512], place[1200], text[sizeof(name) + sizeof(place) + 2];
        format_function(name, sizeof(name), &frames[i], sizeof(name) - 1);
        format_place(place, sizeof(place), &frames[i], false);
        snprintf(text, sizeof(text), "%s%s%s", name, *place ? " " : "", place);
        put_pair(out, "        - ", text);
    }
}

/* The current stack of the first thread that has one. */
static void put_current(FILE *out, const struct leak_group *group)
{
    for (size_t i = 0; i < group->thread_count; i++) {
        const struct thread_stack *current = group->threads[i].current;
        if (!current || !current->stack)
            continue;
        struct line waiting = {.length = 0};
        if (current->wait.text)
            line_add(&waiting, "%s", current->wait.text);
        line_add_notified(&waiting, &current->notified);
        if (waiting.length)
            put_pair(out, "      waiting: ", waiting.text);
        put_stack(out, "present_stack", current->stack->frames, current->stack->count);
        return;
    }
}

static bool put_group(FILE *out, const struct leak_group *group)
{
    const struct leak_site site = leak_site_of(group);
    char *line = leak_message(&site);
    if (!line)
        return false;
    put_pair(out, "    - message: ", line);
    free(line);
    fprintf(out, "      kind: %s\n      count: %zu\n      counted: %s\n      fingerprint: \"%s\"\n",
            leak_kind_name(group->kind), group->thread_count, group->counted ? "true" : "false",
            group->fingerprint);
    if (group->suppressed_by)
        put_pair(out, "      suppressed_by: ", group->suppressed_by);
    put_stack(out, "creation_stack", group->stack, group->stack_count);
    put_current(out, group);
    return true;
}

static bool put_finding(FILE *out, const struct finding *finding)
{
    char *line = finding_line(finding), *details = finding_details(finding);
    bool made = line && details;
    if (made) {
        put_pair(out, "    - message: ", line);
        fprintf(out, "      code: %s\n      level: %s\n      fingerprint: \"%s\"\n",
                finding_name(finding->code), finding_level_name(finding->level), finding->fingerprint);
        fputs(*details ? "      evidence:\n" : "", out);
    }
    char *rest = details;
    for (char *fact; made && (fact = strsep(&rest, "\n")) && *fact;)
        put_pair(out, "        - ", fact);
    free(line);
    free(details);
    return made;
}

static size_t finding_count(const struct test_point *point)
{
    size_t count = 0;
    for (size_t i = 0; point->process && !point->test && i < point->process->findings.count; i++)
        count += finding_counts(&point->process->findings.items[i]);
    return count;
}

static bool put_findings(FILE *out, const struct test_point *point)
{
    bool done = true;
    if (!finding_count(point))
        return true;
    fputs("  findings:\n", out);
    for (size_t i = 0; i < point->process->findings.count && done; i++)
        if (finding_counts(&point->process->findings.items[i]))
            done = put_finding(out, &point->process->findings.items[i]);
    return done;
}

static bool put_process(FILE *out, const struct test_point *point)
{
    const struct process_report *process = point->process;
    char end[160];
    bool done = true;
    format_end(end, sizeof(end), process);
    fprintf(out, "  pid: %d\n", (int)process->pid);
    if (process->exe)
        put_pair(out, "  exe: ", process->exe);
    put_pair(out, "  end: ", end);
    if (process->counts.lost && !point->test)
        fprintf(out, "  lost_events: %llu\n", (unsigned long long)process->counts.lost);
    done = put_findings(out, point);
    if (point->group_count)
        fputs("  threads:\n", out);
    for (size_t i = 0; i < point->group_count && done; i++)
        done = put_group(out, &point->groups[i]);
    return done;
}

static bool has_diagnostics(const struct test_point *point)
{
    return point->error || point->group_count || finding_count(point) ||
           (point->process && point->process->counts.lost);
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
        put_pair(out, "  message: ", point->error);
    if (point->process)
        done = put_process(out, point);
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
