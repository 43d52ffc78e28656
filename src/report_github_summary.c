#include "report_github_summary.h"

#include <stdlib.h>
#include <string.h>

#include "text_parts.h"
#include "report_xml.h"

#define BYTES_MAX (256 * 1024)

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

static void put_head(FILE *out, const struct report *report)
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
    if (report->unwatched_count)
        fprintf(out, "; %zu program%s not watched", report->unwatched_count,
                report->unwatched_count == 1 ? " was" : "s were");
    fputs(".\n\n", out);
}

void put_github_summary(FILE *out, const struct report *report, const struct leak_sites *sites)
{
    size_t size = 0, shown = 0;
    put_head(out, report);
    while (shown < sites->count && size < BYTES_MAX)
        size += put_site(out, &sites->items[shown++]);
    if (shown < sites->count)
        fprintf(out, "and %zu more\n\n", sites->count - shown);
}
