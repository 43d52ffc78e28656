/* One line for each leak. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/common/leak_line.h"
#include "report/report.h"

static bool print_sites(FILE *out, const struct leak_sites *sites, size_t max)
{
    size_t used = 0;
    for (size_t i = 0; i < sites->count; i++) {
        const struct leak_site *site = &sites->items[i];
        char *line = leak_line(site);
        if (!line)
            return false;
        used += strlen(line) + 1;
        if (used <= max)
            fprintf(out, "%s\n", line);
        free(line);
        if (used <= max)
            continue;
        fprintf(out, "and %zu more site%s\n", sites->count - i, plural(sites->count - i));
        break;
    }
    return true;
}

bool report_print_lines(FILE *out, const struct report *report, size_t max)
{
    struct leak_sites sites;
    bool done = leak_sites_find(&sites, report) && print_sites(out, &sites, max);
    free(sites.items);
    return done;
}
