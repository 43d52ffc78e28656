/*
 * The format "github": annotations of GitHub Actions, and a summary of the job.
 * https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 *
 * The runner shows ten annotations of a step and drops the others silently.
 */
#include <limits.h>
#include <stdlib.h>

#include "report/phrases.h"
#include "report/github_summary.h"
#include "report/source.h"
#include "report/leak_text.h"
#include "report/report.h"
#include "base/text.h"

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
    bool made = leak_text_make(&text, site->group, site->threads, site->processes);
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

static void put_notes(FILE *out, const struct report *report)
{
    char timeout[TIMEOUT_TEXT_MAX];
    if (*format_timeout(timeout, report))
        fprintf(out, "::error title=threadleak::%s\n", timeout);
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
    size_t max = ANNOTATIONS_MAX - (report->timed_out_s > 0), shown = sites->count < max ? sites->count : max;
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
                                            .print_to_side_file = print_github_summary,
                                            .is_log = true};
