/*
 * The format "junit": a test for each process and for each known test in it, a failure in it for each leak.
 *
 * There is no standard.  This is the schema of Jenkins (junit-10.xsd of its xUnit plugin), in which a test
 * may have several failures.
 */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "report/common/finding_text.h"
#include "report/text/leak_text.h"
#include "report/common/format.h"
#include "report/ci/test_points.h"
#include "base/text.h"
#include "report/ci/xml.h"

static void put_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    put_xml_line(out, value);
    putc('"', out);
}

static void put_element(FILE *out, const char *element, const char *type, const char *message,
                        const char *content)
{
    fprintf(out, "      <%s", element);
    put_attribute(out, "type", type);
    put_attribute(out, "message", message);
    putc('>', out);
    put_xml(out, content);
    fprintf(out, "</%s>\n", element);
}

/* "thread.running" */
static bool put_failure(FILE *out, const struct leak_group *group)
{
    char type[32];
    struct leak_text text;
    const struct leak_site site = leak_site_of(group);
    bool made = leak_text_make(&text, &site);
    snprintf(type, sizeof(type), "thread.%s", leak_kind_name(group->kind));
    if (made)
        put_element(out, "failure", type, text.line, text.details);
    leak_text_release(&text);
    return made;
}

/* "thread.deadlock" */
static bool put_finding_failure(FILE *out, const struct finding *finding)
{
    char type[48], *line = finding_line(finding), *details = finding_details(finding);
    bool made = line && details;
    snprintf(type, sizeof(type), "thread.%s", finding_name(finding->code));
    if (made)
        put_element(out, "failure", type, line, details);
    free(line);
    free(details);
    return made;
}

static bool put_finding_failures(FILE *out, const struct test_point *point)
{
    const struct findings *findings = &point->process->findings;
    bool done = true;
    for (size_t i = 0; i < findings->count && !point->test && done; i++)
        if (findings->items[i].fails && !findings->items[i].in_group)
            done = put_finding_failure(out, &findings->items[i]);
    return done;
}

static bool put_suppressed(FILE *out, const struct leak_group *group)
{
    const struct leak_site site = leak_site_of(group);
    char *line = leak_line(&site);
    if (!line)
        return false;
    fputs("suppressed by ", out);
    put_xml_line(out, group->suppressed_by);
    fputs(": ", out);
    put_xml(out, line);
    putc('\n', out);
    free(line);
    return true;
}

/* A finding that is no failure, and that no failure has as its message. */
static bool put_other_finding(FILE *out, const struct finding *finding)
{
    char *line = finding_line(finding);
    if (!line)
        return false;
    put_xml(out, line);
    putc('\n', out);
    free(line);
    return true;
}

static void begin_output(FILE *out, bool *begun)
{
    if (!*begun)
        fputs("      <system-out>", out);
    *begun = true;
}

/* What is no failure: findings, and leaks that are suppressed. */
static bool put_output(FILE *out, const struct test_point *point)
{
    const struct process_report *process = point->process;
    bool done = true, begun = false;
    for (size_t i = 0; i < process->findings.count && !point->test && done; i++) {
        const struct finding *finding = &process->findings.items[i];
        if (!finding_is_alone(finding) || finding->fails)
            continue;
        begin_output(out, &begun);
        done = put_other_finding(out, finding);
    }
    for (size_t i = 0; i < point->group_count && done; i++) {
        if (!point->groups[i].suppressed_by)
            continue;
        begin_output(out, &begun);
        done = put_suppressed(out, &point->groups[i]);
    }
    if (begun)
        fputs("</system-out>\n", out);
    if (process->counts.lost && !point->test)
        fprintf(out,
                "      <system-err>the ledger was full for %llu creations; more threads may exist than are "
                "shown</system-err>\n",
                (unsigned long long)process->counts.lost);
    return done;
}

/* The text report has the stack of every thread at the timeout. */
static bool put_timeout(FILE *out, const struct report *report, const struct test_point *point)
{
    static const struct report_style style = {.others = true, .all = true};
    struct text_buffer buffer;
    if (!text_open(&buffer))
        return false;
    bool printed = report_text.print(buffer.out, report, &style);
    char *text = text_close(&buffer);
    if (printed && text)
        put_element(out, "error", "timeout", point->error, text);
    free(text);
    return printed && text;
}

/* The program, whether it was watched or not, and created threads or not. */
static const char *class_of(const struct report *report, const struct test_point *point)
{
    const char *program = point->process ? point->process->exe : point->program;
    if (!program && !point->process && report->argv)
        program = report->argv[0];
    const char *name = path_basename(program);
    if (name && !*name)
        name = program; /* of a directory */
    return name && *name ? name : "threadleak";
}

static bool put_point(FILE *out, const struct report *report, const struct test_point *point)
{
    bool done = true;
    fputs("    <testcase", out);
    put_attribute(out, "classname", class_of(report, point));
    put_attribute(out, "name", point->name);
    fputs(">\n", out);
    if (point->error)
        done = put_timeout(out, report, point);
    if (point->skipped) {
        fputs("      <skipped>", out); /* older schemas have no attributes here */
        put_xml_line(out, point->skipped);
        fputs("</skipped>\n", out);
    }
    for (size_t i = 0; i < point->group_count && done; i++)
        if (point->groups[i].counted)
            done = put_failure(out, &point->groups[i]);
    done = done && (!point->process || (put_finding_failures(out, point) && put_output(out, point)));
    fputs("    </testcase>\n", out);
    return done;
}

static bool put_suite(FILE *out, const struct report *report, const struct test_points *points)
{
    bool done = true;
    fprintf(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites name=\"threadleak\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n"
        "  <testsuite name=\"threadleak\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n",
        points->count, points->failures, points->errors, points->count, points->failures, points->errors,
        points->skipped);
    for (size_t i = 0; i < points->count && done; i++)
        done = put_point(out, report, &points->items[i]);
    fputs("  </testsuite>\n</testsuites>\n", out);
    return done;
}

static bool print_junit(FILE *out, const struct report *report, const struct report_style *style)
{
    struct test_points points;
    (void)style;
    bool done = test_points_make(&points, report) && put_suite(out, report, &points);
    test_points_release(&points);
    return done;
}

const struct report_format report_junit = {.name = "junit", .print = print_junit};
