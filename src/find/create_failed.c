/* Creations of threads that failed, by place and error. */
#include <stdlib.h>

#include "find/site.h"

#define FAIL_NAME(error, name) [FAIL_##error] = name,
static const char *const names[FAIL_KINDS] = {FAIL_ERRORS(FAIL_NAME)};

struct failed {
    const struct frame *at; /* NULL: unknown */
    uint32_t error;
    uint64_t count;
    bool latest; /* the latest failure of the process is among them */
};

/* The shim may be writing the latest one. */
static struct failed sum(const struct find_context *context, const struct placed_site *sites, size_t count,
                         uint32_t error)
{
    const struct ledger_failure *latest = &ledger_get_header(context->evidence->ledger)->failure;
    struct failed failed = {.at = sites[0].at, .error = error};
    for (size_t i = 0; i < count; i++) {
        failed.count += sites[i].record->failed[error];
        failed.latest |=
            latest->seq && !(latest->seq & 1) && latest->site == sites[i].index && latest->error == error;
    }
    return failed;
}

static bool add_failed(struct find_context *context, const struct failed *failed)
{
    const struct ledger_failure *latest = &ledger_get_header(context->evidence->ledger)->failure;
    struct line text = {.length = 0}, fact = {.length = 0};
    if (!failed->count)
        return true;
    line_add(&text, "%llu creation%s of a thread failed with %s at ", (unsigned long long)failed->count,
             plural(failed->count), names[failed->error]);
    add_place(&text, failed->at);
    if (failed->latest && latest->threads)
        line_add(&text, "; the process had %u thread%s then, and %u finished but not joined", latest->threads,
                 plural(latest->threads), latest->unjoined);
    line_add(&fact, "%llu creation%s failed with %s", (unsigned long long)failed->count,
             plural(failed->count), names[failed->error]);
    struct finding *finding = finding_add(context, FINDING_CREATE_FAILED, FINDING_NOTE, &text);
    return finding && finding_add_fact(finding, &fact, failed->at);
}

static bool has_failed(const struct ledger_site *site)
{
    for (uint32_t error = 0; error < FAIL_KINDS; error++)
        if (site->failed[error])
            return true;
    return false;
}

static bool add_all(struct find_context *context, const struct placed_sites *sites)
{
    for (size_t i = 0, end; i < sites->count; i = end) {
        end = placed_sites_end(sites, i, false);
        for (uint32_t error = 0; error < FAIL_KINDS; error++) {
            const struct failed failed = sum(context, &sites->items[i], end - i, error);
            if (!add_failed(context, &failed))
                return false;
        }
    }
    return true;
}

bool find_create_failed(struct find_context *context)
{
    const struct ledger *ledger = context->evidence->ledger;
    uint32_t records = ledger ? ledger_site_count(ledger) : 0;
    struct placed_sites sites = {.items = NULL};
    bool *wanted = calloc((size_t)records + 1, sizeof(*wanted)), any = false;
    for (uint32_t i = 0; wanted && i < records; i++)
        any |= wanted[i] = has_failed(ledger_get_site(ledger, i));
    bool done = wanted && (!any || (placed_sites_make(&sites, context, wanted) && add_all(context, &sites)));
    free(sites.items);
    free(wanted);
    return done;
}
