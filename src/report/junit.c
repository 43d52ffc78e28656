/*
 * The format "junit": a test for each process, a failure in it for each leak.
 *
 * There is no standard; this is what Jenkins takes (junit-10.xsd of its xUnit plugin),
 * whose tests may have several failures.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "report/report.h"
#include "report/parts.h"
#include "report/points.h"
#include "report/xml.h"

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
    char type[32], *line = leak_line(group, group->thread_count, 1), *details = leak_details(group);
    bool done = line && details;
    snprintf(type, sizeof(type), "thread.%s", leak_kind_name(group->kind));
    if (done)
        put_element(out, "failure", type, line, details);
    free(line);
    free(details);
    return done;
}

static bool put_suppressed(FILE *out, const struct leak_group *group)
{
    char *line = leak_line(group, group->thread_count, 1);
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

static bool put_suppressions(FILE *out, const struct process_report *process)
{
    bool done = true, begun = false;
    for (size_t i = 0; i < process->group_count && done; i++) {
        if (!process->groups[i].suppressed_by)
            continue;
        if (!begun)
            fputs("      <system-out>", out);
        begun = true;
        done = put_suppressed(out, &process->groups[i]);
    }
    if (begun)
        fputs("</system-out>\n", out);
    if (process->counts.lost)
        fprintf(out,
                "      <system-err>the ledger was full for %llu creations; more threads may exist than are "
                "shown</system-err>\n",
                (unsigned long long)process->counts.lost);
    return done;
}

/* Where every thread was when the time was over. */
static bool put_timeout(FILE *out, const struct report *report, const struct report_point *point)
{
    static const struct report_style style = {.others = true, .all = true};
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    bool done = memory && report_text.print(memory, report, &style);
    done = (!memory || fclose(memory) == 0) && done;
    if (done)
        put_element(out, "error", "timeout", point->error, text);
    free(text);
    return done;
}

/* The program: the same whether it made threads or not, was watched or not. */
static const char *class_of(const struct report *report, const struct report_point *point)
{
    const char *program = point->process ? point->process->exe : point->program;
    if (!program && !point->process && report->argv)
        program = report->argv[0];
    const char *name = path_basename(program);
    if (name && !*name)
        name = program; /* of a directory */
    return name && *name ? name : "threadleak";
}

static bool put_point(FILE *out, const struct report *report, const struct report_point *point)
{
    bool done = true;
    fputs("    <testcase", out);
    put_attribute(out, "classname", class_of(report, point));
    put_attribute(out, "name", point->name);
    fputs(">\n", out);
    if (point->error)
        done = put_timeout(out, report, point);
    if (point->skipped) {
        fputs("      <skipped>", out); /* no attributes: older schemas do not have them */
        put_xml_line(out, point->skipped);
        fputs("</skipped>\n", out);
    }
    const struct process_report *process = point->process;
    for (size_t i = 0; process && i < process->group_count && done; i++)
        if (process->groups[i].counted)
            done = put_failure(out, &process->groups[i]);
    done = done && (!process || put_suppressions(out, process));
    fputs("    </testcase>\n", out);
    return done;
}

static bool put_suite(FILE *out, const struct report *report, const struct report_points *points)
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
    struct report_points points;
    (void)style;
    bool done = report_points_make(&points, report) && put_suite(out, report, &points);
    report_points_release(&points);
    if (done)
        return fflush(out) == 0 && !ferror(out);
    errno = ENOMEM;
    return false;
}

const struct report_format report_junit = {.name = "junit", .print = print_junit};
