#include "cli/run/series.h"

#include <signal.h>
#include <stdlib.h>

#include "base/array.h"
#include "cli/common/cli.h"
#include "leak/runs.h"
#include "symbolize/symbolize.h"

static bool keep(struct run_series *series, const struct series_part *part)
{
    if (!ARRAY_GROW(series->parts, series->part_count))
        return false;
    series->parts[series->part_count++] = *part;
    return true;
}

static void free_part(const struct series_part *part)
{
    report_free(part->report);
    symbolizer_free(part->symbolizer);
}

/* Later programs without a ledger are the same ones again. */
static void take_unwatched(struct report *total, struct report *one)
{
    if (total->unwatched_count)
        return;
    total->unwatched = one->unwatched;
    total->unwatched_count = one->unwatched_count;
    one->unwatched = NULL;
    one->unwatched_count = 0;
}

bool run_series_add(struct run_series *series, struct report *report, struct symbolizer *symbolizer)
{
    const struct series_part part = {report, symbolizer};
    bool moved = false;
    if (!series->total)
        series->total = report_new();
    bool done = series->total && report_add_run(series->total, report, series->number, &moved);
    if (done) {
        take_unwatched(series->total, report);
        series->total->timed_out_s = report->timed_out_s;
    }
    /* Without memory for the list, the program ends soon: what `total` refers to must stay. */
    if (!moved)
        free_part(&part);
    else
        done &= keep(series, &part);
    return done;
}

/* The user's ^C ends COMMAND, and must end the series. */
static bool is_final(int status)
{
    return (status >= STATUS_TIMED_OUT && status <= STATUS_NOT_FOUND) || status == 128 + SIGINT ||
           status == 128 + SIGTERM || status == 128 + SIGHUP || status == 128 + SIGQUIT;
}

void run_series_count(struct run_series *series, int status)
{
    if (!series->status)
        series->status = status;
    series->over = is_final(status);
}

void run_series_release(struct run_series *series)
{
    report_free(series->total);
    for (size_t i = 0; i < series->part_count; i++)
        free_part(&series->parts[i]);
    free(series->parts);
    *series = (struct run_series){0};
}
