#include <stdlib.h>
#include <string.h>

#include "cli/common/cli.h"
#include "cli/common/progress.h"
#include "cli/run/fill.h"
#include "cli/run/notes.h"
#include "cli/run/per_process.h"
#include "cli/run/run.h"

static char **copy_arguments(char *const *argv)
{
    size_t count = 0;
    while (argv[count])
        count++;
    char **copy = calloc(count + 1, sizeof(*copy));
    for (size_t i = 0; copy && i < count; i++)
        copy[i] = strdup(argv[i]);
    return copy;
}

static bool fill(struct run *run, struct report *report, struct symbolizer *symbolizer, struct error *error)
{
    const struct run_judge judge = {&run->given, symbolizer, &run->holds};
    bool done;
    progress_begin();
    if (run->timed_out) {
        report->timed_out_s = run->given.timeout_s;
        done = run_fill_alive(report, &run->ledgers, run->child.pid, run->directory, &judge, error);
    } else {
        done = run_fill_ledgers(report, &run->ledgers, &judge, error);
    }
    progress_end();
    return done;
}

static bool finish(struct run *run, struct report *report, struct error *error)
{
    report->argv = copy_arguments(run->given.command);
    report->summary.processes += run_ledgers_count_idle(&run->ledgers);
    report->unwatched = run->ledgers.unwatched;
    report->unwatched_count = run->ledgers.unwatched_count;
    run->ledgers.unwatched = NULL;
    run->ledgers.unwatched_count = 0;
    run_baseline_judge(&run->baseline, report);
    if (!run->series.number && !run_baseline_finish(&run->baseline, report, !run->timed_out, error))
        return false;
    report_finish(report);
    finding_options_mark(&run->given.findings, report);
    return true;
}

/* False: a message was printed. */
static bool print(struct run *run, const struct report *report)
{
    const struct run_options *given = &run->given;
    const struct outputs_style style = {
        .style = {.others = run->timed_out,
                  .all = given->verbose > 0 || run->timed_out,
                  .verbose = given->verbose,
                  .by_creation = given->outputs.by_creation,
                  .more = "threadleak run -v"},
        .color = given->options.color,
        .text_if_leaks = given->verbose <= 0 && !report->summary.failing_findings,
    };
    bool done = outputs_write(&run->outputs, "run", report, &style);
    if (given->per_process)
        done = per_process_write(&run->outputs, &given->outputs, report, &style) && done;
    return done;
}

/* False: a message was printed. */
static bool make(struct run *run, struct report *report, struct symbolizer *symbolizer)
{
    struct error error = {""};
    if (fill(run, report, symbolizer, &error) && finish(run, report, &error))
        return true;
    cli_message("run: %s", error.text);
    return false;
}

/* False: a message was printed. */
static bool print_all(struct run *run, const struct report *report)
{
    struct error error = {""};
    if (!print(run, report))
        return false;
    if (suppression_options_print(&run->given.suppressions, report, &error))
        return true;
    cli_message("run: %s", error.text);
    return false;
}

static bool lacks_threads(const struct report *report)
{
    for (size_t i = 0; i < report->process_count; i++)
        if (report->processes[i].counts.lost && report->processes[i].no_room)
            return true;
    return false;
}

static int judged_status(const struct run *run, const struct report *report, int status)
{
    if (status)
        return status;
    if (run->ledgers.unrecorded)
        return STATUS_FAILED;
    if (run->given.require_watched &&
        (report->unwatched_count || run->ledgers.unreadable || lacks_threads(report)))
        return STATUS_FAILED;
    bool fails = report->summary.leaked_threads || report->summary.failing_findings;
    return fails ? run->given.leak_status : 0;
}

/* The status of COMMAND matters more than this failure. */
static int failed_status(const struct run *run, int status)
{
    return status && !run->timed_out ? status : STATUS_FAILED;
}

/* Everything that is printed. False: a message was printed. */
static bool print_with_notes(struct run *run, const struct report *report)
{
    if (!print_all(run, report))
        return false;
    if (!run->timed_out) {
        run_notes_print(report, &run->given, run->child.pid);
        run_baseline_print(&run->baseline, &run->given);
    }
    return true;
}

/* One of several runs. Whether their leaks count is known at the end: --write-baseline accepts them. */
static int add_to_series(struct run *run, struct report *report, struct symbolizer *symbolizer, int status)
{
    if (!run->timed_out && !report->summary.leaked_threads)
        status = judged_status(run, report, status);
    if (run_series_add(&run->series, report, symbolizer))
        return status;
    cli_message("run: out of memory");
    return failed_status(run, status);
}

int run_report(struct run *run, int status)
{
    struct report *report = report_new();
    struct symbolizer *symbolizer = symbolizer_new(run->given.debuginfod);
    bool made = report && symbolizer && make(run, report, symbolizer);
    if (!report || !symbolizer)
        cli_message("run: out of memory");
    if (made && run->series.number)
        return add_to_series(run, report, symbolizer, status);
    if (!made || !print_with_notes(run, report))
        status = failed_status(run, status);
    else if (!run->timed_out)
        status = judged_status(run, report, status);
    report_free(report);
    symbolizer_free(symbolizer);
    return status;
}

int run_report_series(struct run *run)
{
    struct run_series *series = &run->series;
    struct report *total = series->total;
    struct error error = {""};
    if (!total)
        return series->status;
    total->argv = copy_arguments(run->given.command);
    total->runs.shake = run->given.shake;
    if (!run_baseline_finish(&run->baseline, total, !run->timed_out, &error)) {
        cli_message("run: %s", error.text);
        return failed_status(run, series->status);
    }
    report_finish(total);
    finding_options_mark(&run->given.findings, total);
    if (!print_with_notes(run, total))
        return failed_status(run, series->status);
    bool fails = total->summary.leaked_threads || total->summary.failing_findings;
    return fails && run->given.leak_status ? run->given.leak_status : series->status;
}
