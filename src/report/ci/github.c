/*
 * The format "github": annotations of GitHub Actions, and a summary of the job.
 * https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 *
 * The runner shows ten annotations of a step and drops the others silently.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/common/finding_text.h"
#include "report/text/leak_text.h"
#include "report/common/phrases.h"
#include "report/common/format.h"
#include "report/common/source.h"
#include "report/ci/test_points.h"
#include "report/ci/xml.h"

/* ---- the annotations ---------------------------------------------------------------------- */

#define ANNOTATIONS_MAX 10

/* Escapes the characters that end a command or a property, as actions/toolkit does. `text` has no control
 * characters except newlines. */
static void put_data(FILE *out, const char *text, bool property)
{
    for (; *text; text++) {
        bool escape =
            *text == '%' || *text == '\r' || *text == '\n' || (property && (*text == ':' || *text == ','));
        if (escape)
            fprintf(out, "%%%02X", (unsigned char)*text);
        else
            putc(*text, out);
    }
}

static void put_escaped_data(FILE *out, const char *text, bool property)
{
    char *escaped = escaped_copy(text);
    put_data(out, escaped ? escaped : "", property);
    free(escaped);
}

static void put_place(FILE *out, const struct frame *place)
{
    char path[PATH_MAX];
    if (!place)
        return;
    format_source_path(path, sizeof(path), place->file);
    fputs("file=", out);
    put_escaped_data(out, path, true);
    fprintf(out, ",line=%d,", place->line);
}

static bool put_annotation(FILE *out, const struct leak_site *site)
{
    struct leak_text text;
    bool made = leak_text_make(&text, site);
    if (made) {
        fputs("::error ", out);
        put_place(out, source_frame(site->group));
        fprintf(out, "title=Leaked thread (%s)::", leak_kind_name(site->group->kind));
        put_data(out, text.line, false);
        fputs("%0A", out);
        put_data(out, text.details, false);
        putc('\n', out);
    }
    leak_text_release(&text);
    return made;
}

/* A finding that makes the command fail is an error. */
static bool put_finding(FILE *out, const struct report *report, const struct finding *finding)
{
    char *line = finding_line(finding), *details = finding_details(finding);
    const struct frame *place = finding_place(finding);
    if (line && details) {
        fputs(finding->fails || report->timed_out_s > 0 ? "::error " : "::warning ", out);
        put_place(out, place && place->file ? place : NULL);
        fprintf(out, "title=%s (%s)::", finding_name(finding->code), finding_level_name(finding->level));
        put_data(out, line, false);
        fputs(*details ? "%0A" : "", out);
        put_data(out, details, false);
        putc('\n', out);
    }
    bool made = line && details;
    free(line);
    free(details);
    return made;
}

/* Those that no leak has as its message. *shown: how many there are by now. */
static bool put_findings(FILE *out, const struct report *report, size_t *shown)
{
    for (size_t i = 0; i < report->process_count; i++) {
        const struct findings *findings = &report->processes[i].findings;
        for (size_t j = 0; j < findings->count && *shown < ANNOTATIONS_MAX; j++) {
            if (!finding_is_alone(&findings->items[j]))
                continue;
            if (!put_finding(out, report, &findings->items[j]))
                return false;
            ++*shown;
        }
    }
    return true;
}

static void put_notes(FILE *out, const struct report *report)
{
    char timeout[TIMEOUT_TEXT_MAX];
    if (*format_timeout(timeout, report)) {
        fprintf(out, "::error title=threadleak::%s", timeout);
        fputs(*first_verdict(report) ? ": " : "", out);
        put_escaped_data(out, first_verdict(report), false);
        putc('\n', out);
    }
    if (report->unwatched_count) {
        const struct unwatched *first = &report->unwatched[0];
        const char *program = unwatched_program(first);
        fprintf(out, "::warning title=threadleak::%zu program%s not watched: ", report->unwatched_count,
                report->unwatched_count == 1 ? " was" : "s were");
        put_escaped_data(out, program ? program : "?", false);
        fprintf(out, " (%s)%s\n", unwatched_why_name(first->why),
                report->unwatched_count > 1 ? " and others" : "");
    }
}

static bool put_annotations(FILE *out, const struct report *report, const struct leak_sites *sites)
{
    /* The timeout is one of the annotations. */
    size_t used = report->timed_out_s > 0;
    put_notes(out, report);
    if (!put_findings(out, report, &used))
        return false;
    size_t max = ANNOTATIONS_MAX - used, shown = sites->count < max ? sites->count : max;
    for (size_t i = 0; i < shown; i++)
        if (!put_annotation(out, &sites->items[i]))
            return false;
    if (sites->count > shown)
        fprintf(out, "threadleak: and %zu more leak%s\n", sites->count - shown, plural(sites->count - shown));
    return true;
}

/* ---- the summary: Markdown, about a quarter of the 1 MiB that GitHub takes from a step ----- */

#define BYTES_MAX (256 * 1024)
#define SKIPPED_MAX 20 /* lines */

/* Text from a program is inside HTML, where Markdown has no meaning. Returns the number of bytes; 0: out of
 * memory. */
static size_t put_site(FILE *out, const struct leak_site *site)
{
    struct leak_text text;
    size_t size = 0;
    if (leak_text_make(&text, site)) {
        size = strlen(text.line) + strlen(text.details);
        fputs("<details><summary>", out);
        put_xml(out, text.line);
        fputs("</summary>\n<pre>\n", out);
        put_xml(out, text.details);
        fputs("\n</pre>\n</details>\n\n", out);
    }
    leak_text_release(&text);
    return size;
}

/* Processes without a verdict, and why: "./test_pool: not judged: exec of another program". */
static void put_skipped(FILE *out, const struct test_points *points)
{
    size_t shown = 0;
    if (!points->skipped)
        return;
    fputs("<pre>\n", out);
    for (size_t i = 0; i < points->count && shown < SKIPPED_MAX; i++) {
        if (!points->items[i].skipped)
            continue;
        shown++;
        put_xml_line(out, points->items[i].name);
        fputs(": ", out);
        put_xml_line(out, points->items[i].skipped);
        putc('\n', out);
    }
    if (points->skipped > shown)
        fprintf(out, "and %zu more\n", points->skipped - shown);
    fputs("</pre>\n\n", out);
}

static size_t count_unjudged(const struct test_points *points)
{
    size_t count = 0;
    for (size_t i = 0; i < points->count; i++)
        count += points->items[i].skipped && points->items[i].process;
    return count;
}

/* Text from a program is inside HTML, where Markdown has no meaning. */
static void put_verdicts(FILE *out, const struct report *report)
{
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        if (!process->findings.verdict)
            continue;
        fputs("<p><b>", out);
        put_xml_line(out, process->findings.verdict);
        fputs("</b>", out);
        if (report->process_count > 1) {
            fputs(", in ", out);
            put_xml_line(out, command_name(process));
            fprintf(out, " (pid %d)", (int)process->pid);
        }
        fputs("</p>\n\n", out);
    }
}

static void put_head(FILE *out, const struct report *report, size_t unjudged)
{
    char timeout[TIMEOUT_TEXT_MAX];
    fputs("### threadleak\n\n", out);
    put_verdicts(out, report);
    if (*format_timeout(timeout, report))
        fprintf(out, "**T%s.**\n\n", timeout + 1);
    fputs("**", out);
    put_summary(out, report);
    fputs("**", out);
    if (report->summary.suppressed_threads)
        fprintf(out, ", %llu suppressed", (unsigned long long)report->summary.suppressed_threads);
    if (unjudged)
        fprintf(out, "; %zu process%s not judged", unjudged, unjudged == 1 ? " was" : "es were");
    if (report->unwatched_count)
        fprintf(out, "; %zu program%s not watched", report->unwatched_count,
                report->unwatched_count == 1 ? " was" : "s were");
    fputs(".\n\n", out);
}

static bool put_whole(FILE *out, const struct report *report, const struct leak_sites *sites,
                      const struct test_points *points)
{
    size_t size = 0, shown = 0;
    put_head(out, report, count_unjudged(points));
    for (; shown < sites->count && size < BYTES_MAX; shown++) {
        size_t site_size = put_site(out, &sites->items[shown]);
        if (!site_size)
            return false;
        size += site_size;
    }
    if (shown < sites->count)
        fprintf(out, "and %zu more\n\n", sites->count - shown);
    put_skipped(out, points);
    return true;
}

static bool print_summary(FILE *out, const struct report *report)
{
    struct leak_sites sites;
    struct test_points points;
    bool found = leak_sites_find(&sites, report), made = test_points_make(&points, report);
    bool done = found && made && put_whole(out, report, &sites, &points);
    test_points_release(&points);
    free(sites.items);
    return done;
}

static const char *summary_path(void)
{
    const char *path = getenv("GITHUB_STEP_SUMMARY");
    return path && *path ? path : NULL;
}

static bool print_github(FILE *out, const struct report *report, const struct report_style *style)
{
    struct leak_sites sites;
    (void)style;
    bool done = leak_sites_find(&sites, report) && put_annotations(out, report, &sites);
    free(sites.items);
    return done;
}

const struct report_format report_github = {.name = "github",
                                            .print = print_github,
                                            .side_file = summary_path,
                                            .print_to_side_file = print_summary,
                                            .is_log = true};
