#include "report/github_summary.h"

#include <stdlib.h>
#include <string.h>

#include "report/phrases.h"
#include "report/leak_text.h"
#include "report/test_points.h"
#include "report/xml.h"

#define BYTES_MAX (256 * 1024)
#define SKIPPED_MAX 20 /* lines */

/* Text from a program is inside HTML, where Markdown has no meaning. Returns the number of bytes; 0: out of
 * memory. */
static size_t put_site(FILE *out, const struct leak_site *site)
{
    struct leak_text text;
    size_t size = 0;
    if (leak_text_make(&text, site->group, site->threads, site->processes)) {
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

static void put_head(FILE *out, const struct report *report, size_t unjudged)
{
    char timeout[TIMEOUT_TEXT_MAX];
    fputs("### threadleak\n\n", out);
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

bool print_github_summary(FILE *out, const struct report *report)
{
    struct leak_sites sites;
    struct test_points points;
    bool found = leak_sites_find(&sites, report), made = test_points_make(&points, report);
    bool done = found && made && put_whole(out, report, &sites, &points);
    test_points_release(&points);
    free(sites.items);
    return done;
}
