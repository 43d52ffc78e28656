/*
 * The format "gitlab": a Code Quality report, which merge requests show.
 * https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
 *
 * Each fingerprint must be unique in the file, and each entry needs a file and a line.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "report/common/source.h"
#include "report/common/finding_text.h"
#include "report/common/leak_line.h"
#include "report/common/format.h"
#include "report/ci/severity.h"

static json_t *location_json(const struct leak_site *site)
{
    char path[PATH_MAX];
    const struct frame *place = source_frame(site->group);
    const char *module = site->group->stack_count ? site->group->stack[0].module : NULL;
    const char *file = place ? place->file : module ? module : site->process->exe;
    format_source_path(path, sizeof(path), file ? file : "unknown");
    return json_pack("{so s{si}}", "path", json_text(path), "lines", "begin", place ? place->line : 1);
}

static int compare_places(const struct leak_site *a, const struct leak_site *b)
{
    const struct frame *first = creator_frame(a->group), *second = creator_frame(b->group);
    int order =
        first && second ? strcmp(first->file ? first->file : "", second->file ? second->file : "") : 0;
    if (order == 0 && first && second)
        order = (first->line > second->line) - (first->line < second->line);
    return order ? order : (a > b) - (a < b);
}

/* The second site of a fingerprint, in the order of their lines, gets one that is made from it. */
static const char *unique_fingerprint(const struct leak_sites *sites, const struct leak_site *site,
                                      char made[17])
{
    unsigned before = 0;
    for (size_t i = 0; i < sites->count; i++)
        before += strcmp(sites->items[i].group->fingerprint, site->group->fingerprint) == 0 &&
                  compare_places(&sites->items[i], site) < 0;
    unsigned long long number = strtoull(site->group->fingerprint, NULL, 16) + before * 0x9e3779b97f4a7c15ull;
    snprintf(made, 17, "%016llx", number);
    return made;
}

static json_t *site_json(const struct leak_sites *sites, const struct leak_site *site)
{
    char fingerprint[17], name[48], *line = leak_message(site);
    snprintf(name, sizeof(name), "threadleak/%s", leak_kind_name(site->group->kind));
    json_t *json = line ? json_pack("{so ss ss ss so}", "description", json_text(line), "check_name", name,
                                    "fingerprint", unique_fingerprint(sites, site, fingerprint), "severity",
                                    leak_severity(site->group->kind)->gitlab, "location", location_json(site))
                        : NULL;
    free(line);
    return json;
}

/* The n-th finding with its fingerprint. */
static unsigned count_before(const struct report *report, const struct finding *finding)
{
    unsigned before = 0;
    for (size_t i = 0; i < report->process_count; i++)
        for (size_t j = 0; j < report->processes[i].findings.count; j++) {
            const struct finding *other = &report->processes[i].findings.items[j];
            if (other == finding)
                return before;
            before += finding_is_alone(other) && strcmp(other->fingerprint, finding->fingerprint) == 0;
        }
    return before;
}

static json_t *finding_location(const struct process_report *process, const struct frame *place)
{
    char path[PATH_MAX];
    const char *file = place && place->file ? place->file : place ? place->module : NULL;
    if (!file)
        file = process->exe ? process->exe : "unknown";
    format_source_path(path, sizeof(path), file);
    return json_pack("{so s{si}}", "path", json_text(path), "lines", "begin",
                     place && place->file && place->line > 0 ? place->line : 1);
}

static json_t *finding_json(const struct report *report, const struct process_report *process,
                            const struct finding *finding)
{
    char fingerprint[17], name[48], *line = finding_line(finding);
    snprintf(name, sizeof(name), "threadleak/%s", finding_name(finding->code));
    snprintf(fingerprint, sizeof(fingerprint), "%016llx",
             strtoull(finding->fingerprint, NULL, 16) +
                 count_before(report, finding) * 0x9e3779b97f4a7c15ull);
    json_t *json = line ? json_pack("{so ss ss ss so}", "description", json_text(line), "check_name", name,
                                    "fingerprint", fingerprint, "severity",
                                    finding->level == FINDING_PROVED ? "critical" : "major", "location",
                                    finding_location(process, finding_place(finding)))
                        : NULL;
    free(line);
    return json;
}

/* Those that no leak has as its description. */
static void append_findings(json_t **array, const struct report *report)
{
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        for (size_t j = 0; j < process->findings.count; j++)
            if (finding_is_alone(&process->findings.items[j]))
                append_value(array, finding_json(report, process, &process->findings.items[j]));
    }
}

static bool print_gitlab(FILE *out, const struct report *report, const struct report_style *style)
{
    struct leak_sites sites;
    json_t *array = leak_sites_find(&sites, report) ? json_array() : NULL;
    (void)style;
    for (size_t i = 0; i < sites.count; i++)
        append_value(&array, site_json(&sites, &sites.items[i]));
    append_findings(&array, report);
    free(sites.items);
    return json_write(out, array);
}

const struct report_format report_gitlab = {.name = "gitlab", .print = print_gitlab};
