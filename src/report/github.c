/*
 * The format "github": annotations of GitHub Actions, and a summary of the job.
 * https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 *
 * The runner shows ten annotations of a step and drops the others without a word.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "report/github_summary.h"
#include "report/parts.h"
#include "report/text_parts.h"

#define ANNOTATIONS_MAX 10

/* Bytes that end a command or a property, as actions/toolkit escapes them; the text has
 * no control characters but newlines. */
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

static void put_place(FILE *out, const struct frame *place)
{
    char path[PATH_MAX];
    format_source_path(path, sizeof(path), place->file);
    char *escaped = escaped_copy(path);
    fputs("file=", out);
    put_data(out, escaped ? escaped : "", true);
    fprintf(out, ",line=%d,", place->line);
    free(escaped);
}

static bool put_annotation(FILE *out, const struct leak_site *site)
{
    const struct frame *place = leak_place(site->group);
    char *line = leak_line(site->group, site->threads, site->processes), *details = leak_details(site->group);
    bool done = line && details;
    if (done) {
        fputs("::error ", out);
        if (place)
            put_place(out, place);
        fprintf(out, "title=Leaked thread (%s)::", leak_kind_name(site->group->kind));
        put_data(out, line, false);
        fputs("%0A", out);
        put_data(out, details, false);
        putc('\n', out);
    }
    free(line);
    free(details);
    return done;
}

static void put_notes(FILE *out, const struct report *report)
{
    if (report->timed_out_s > 0) {
        char time[40];
        format_duration(time, sizeof(time), report->timed_out_s);
        fprintf(out, "::error title=threadleak::timed out after %s\n", time);
    }
    if (report->unwatched_count) {
        const struct unwatched *first = &report->unwatched[0];
        char *name = escaped_copy(first->exe ? first->exe : first->name ? first->name : "?");
        fprintf(out, "::warning title=threadleak::%zu program%s not watched: ", report->unwatched_count,
                report->unwatched_count == 1 ? " was" : "s were");
        put_data(out, name ? name : "", false);
        fprintf(out, " (%s)%s\n", unwatched_why_name(first->why),
                report->unwatched_count > 1 ? " and others" : "");
        free(name);
    }
}

static bool put_annotations(FILE *out, const struct report *report, const struct leak_sites *sites)
{
    /* The timeout is an error, too. */
    size_t most = ANNOTATIONS_MAX - (report->timed_out_s > 0),
           shown = sites->count < most ? sites->count : most;
    put_notes(out, report);
    for (size_t i = 0; i < shown; i++)
        if (!put_annotation(out, &sites->items[i]))
            return false;
    if (sites->count > shown)
        fprintf(out, "threadleak: and %zu more leak%s\n", sites->count - shown,
                sites->count - shown == 1 ? "" : "s");
    return true;
}

static const char *summary_path(void)
{
    const char *path = getenv("GITHUB_STEP_SUMMARY");
    return path && *path ? path : NULL;
}

/* Other commands of the step append to the file too. */
static bool append_summary(const struct report *report, const struct leak_sites *sites)
{
    const char *path = summary_path();
    if (!path)
        return true;
    FILE *out = fopen(path, "ae");
    if (!out)
        return false;
    put_github_summary(out, report, sites);
    bool failed = ferror(out);
    return fclose(out) == 0 && !failed;
}

static bool print_github(FILE *out, const struct report *report, const struct report_style *style)
{
    struct leak_sites sites;
    (void)style;
    if (!leak_sites_find(&sites, report) || !put_annotations(out, report, &sites)) {
        free(sites.items);
        errno = ENOMEM;
        return false;
    }
    bool done = fflush(out) == 0 && !ferror(out) && append_summary(report, &sites);
    free(sites.items);
    return done;
}

const struct report_format report_github = {
    .name = "github", .print = print_github, .side_file = summary_path, .is_log = true};
