#include "report/github_summary.h"

#include <stdlib.h>
#include <string.h>

#include "report/points.h"
#include "report/xml.h"
#include "report/text_parts.h"

#define BYTES_MAX (256 * 1024)
#define SKIPPED_MAX 20 /* lines */

/* Text from a program stands in HTML only, where nothing of Markdown means anything. */
static size_t put_site(FILE *out, const struct leak_site *site)
{
    char *line = leak_line(site->group, site->threads, site->processes);
    char *details = leak_details(site->group);
    size_t size = 0;
    if (line && details) {
        size = strlen(line) + strlen(details);
        fputs("<details><summary>", out);
        put_xml(out, line);
        fputs("</summary>\n<pre>\n", out);
        put_xml(out, details);
        fputs("\n</pre>\n</details>\n\n", out);
    }
    free(line);
    free(details);
    return size;
}

/* What is not in a verdict, and why: "./test_pool: not judged: exec of another program". */
static void put_skipped(FILE *out, const struct report_points *points)
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

static size_t count_unjudged(const struct report_points *points)
{
    size_t count = 0;
    for (size_t i = 0; i < points->count; i++)
        count += points->items[i].skipped && points->items[i].process;
    return count;
}

static void put_head(FILE *out, const struct report *report, size_t unjudged)
{
    unsigned long long threads = report->summary.leaked_threads, sites = report->summary.leak_sites;
    fputs("### threadleak\n\n", out);
    if (report->timed_out_s > 0) {
        char time[40];
        format_duration(time, sizeof(time), report->timed_out_s);
        fprintf(out, "**Timed out after %s.**\n\n", time);
    }
    if (threads)
        fprintf(out, "**%llu leaked thread%s** at %llu site%s", threads, threads == 1 ? "" : "s", sites,
                sites == 1 ? "" : "s");
    else
        fputs("No leaked threads", out);
    fprintf(out, " in %llu process%s", (unsigned long long)report->summary.processes,
            report->summary.processes == 1 ? "" : "es");
    if (report->summary.suppressed_threads)
        fprintf(out, ", %llu suppressed", (unsigned long long)report->summary.suppressed_threads);
    if (unjudged)
        fprintf(out, "; %zu process%s not judged", unjudged, unjudged == 1 ? " was" : "es were");
    if (report->unwatched_count)
        fprintf(out, "; %zu program%s not watched", report->unwatched_count,
                report->unwatched_count == 1 ? " was" : "s were");
    fputs(".\n\n", out);
}

void put_github_summary(FILE *out, const struct report *report, const struct leak_sites *sites)
{
    size_t size = 0, shown = 0;
    struct report_points points;
    bool listed = report_points_make(&points, report);
    put_head(out, report, listed ? count_unjudged(&points) : 0);
    while (shown < sites->count && size < BYTES_MAX)
        size += put_site(out, &sites->items[shown++]);
    if (shown < sites->count)
        fprintf(out, "and %zu more\n\n", sites->count - shown);
    if (listed)
        put_skipped(out, &points);
    report_points_release(&points);
}
