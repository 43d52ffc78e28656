/*
 * `threadleak report [OPTIONS] PID | NAME | FILE`: the threads of a live process, watched or not,
 * or of a dead one by its core file, its ledger or the directory of its run.
 */
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/shim.h"
#include "cli/common/cli.h"
#include "leak/baseline.h"
#include "leak/build.h"
#include "common/options.h"
#include "cli/common/findings.h"
#include "cli/common/oom.h"
#include "cli/common/outputs.h"
#include "cli/common/progress.h"
#include "cli/common/target.h"
#include "cli/common/suppressions.h"

struct command_line {
    const char *target;
    struct wanted_outputs outputs;
    struct options options;
    struct suppression_options suppressions;
    struct finding_options findings;
    bool check, all, debuginfod, no_stop, leaks_alone;
    int verbose;
};

/* ---- the command line ------------------------------------------------------------ */

static bool set_threads(void *line, const struct command_option *option, const char *value,
                        struct error *error)
{
    bool leaks = strcmp(value, "leaks") == 0;
    (void)option;
    ((struct command_line *)line)->leaks_alone = leaks;
    if (leaks || strcmp(value, "all") == 0)
        return true;
    return error_set(error, "--threads=%s is not all or leaks", value);
}

#define MEMBER(name) offsetof(struct command_line, name)

static const struct command_option option_table[] = {
    OUTPUT_OPTIONS(struct command_line, "standard output",
                   "write the report to FILE; %p: pid of the process, %h: its name"),
    COMMAND_FLAG("check", check,
                 "exit with 1 when threads leaked; a live process is judged as if it ended now"),
    FINDING_OPTIONS(struct command_line,
                    "exit with 1 when a finding CODE[:LEVEL],... exists; LEVEL: proved, likely "
                    "or note, default proved; CODE: see threadleak help findings, or all"),
    {.name = "report",
     .argument = "KINDS",
     .key = "report",
     .set = command_set_key,
     .offset = MEMBER(options)},
    {.name = "threads",
     .argument = "WHICH",
     .set = set_threads,
     .initial = "all",
     .words = "all leaks",
     .help = "threads to print: all, or leaks, those that would be leaks if the process ended now"},
    {.name = "baseline",
     .argument = "FILE",
     .key = "baseline",
     .set = command_set_key,
     .offset = MEMBER(options)},
    COMMAND_FLAG("no-stop", no_stop, "read /proc alone: the process is not stopped, and there are no stacks"),
    COMMAND_FLAG("all", all, "print every process and every thread in full"),
    {.name = "color", .argument = "WHEN", .key = "color", .set = command_set_key, .offset = MEMBER(options)},
    COMMAND_FLAG("debuginfod", debuginfod, "ask debuginfod servers for missing debug information"),
    SUPPRESSION_FILE(struct command_line),
    SUPPRESSION_OPTIONS(struct command_line, command_set_key),
    VERBOSE_OPTIONS(struct command_line, "print whole paths, and the frames of runtimes too"),
    {.name = NULL},
};

static bool complete(struct command_line *line, int argc, char **argv, struct error *error)
{
    if (optind + 1 != argc) {
        if (optind == argc)
            error_set(error, "give a PID, a name or a file; see 'threadleak help report'");
        else
            error_set(error, "give one PID, name or file, not %d", argc - optind);
        return false;
    }
    line->target = argv[optind];
    return finding_options_check(&line->findings, error) &&
           wanted_complete(&line->outputs, "-", &report_text, NULL, error) &&
           wanted_spares(&line->outputs, "--gen-suppressions", line->suppressions.generate_to, error) &&
           suppression_options_load(&line->suppressions, &line->options, error);
}

/* ---- printing ---------------------------------------------------------------------------- */

static bool open_all(const struct command_line *line, struct outputs *outputs, struct report_target *job)
{
    const struct process_report *first = job->report->process_count ? &job->report->processes[0] : NULL;
    const struct outputs_subject subject = {first ? first->pid : 0,
                                            first && first->exe ? first->exe : "unknown"};
    for (size_t i = 0; i < line->outputs.count; i++)
        if (!outputs_add(outputs, &line->outputs.items[i], &subject, stdout, &job->error))
            return false;
    return true;
}

/* False: a message was printed. */
static bool print(const struct command_line *line, struct report_target *job)
{
    struct outputs outputs = {.count = 0};
    struct line more = {.length = 0};
    line_add(&more, "threadleak report -v %s", line->target);
    const struct outputs_style style = {
        .style = {.others = !line->leaks_alone,
                  .all = line->all || line->verbose > 0,
                  .verbose = line->all && !line->verbose ? 1 : line->verbose,
                  .by_creation = line->outputs.by_creation,
                  .more = more.text},
        .color = line->options.color,
    };
    if (open_all(line, &outputs, job))
        return outputs_write(&outputs, "report", job->report, &style);
    cli_message("report: %s", job->error.text);
    outputs_abandon(&outputs);
    return false;
}

/* An unwatched process cannot pass the check, because its leaks are unknown. */
static bool can_be_checked(const struct report *report)
{
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        if (process->watched)
            continue;
        cli_message("report: --check: process %d is not watched, so its leaks are unknown; start it with "
                    "'threadleak run' or %s",
                    (int)process->pid, shim_preload((char[SHIM_PRELOAD_MAX]){0}));
        return false;
    }
    return true;
}

/* False: error has the reason. */
static bool read_baseline(const struct command_line *line, struct report_target *job,
                          struct baseline **baseline)
{
    if (*line->options.baseline)
        *baseline = baseline_read(line->options.baseline, &job->error);
    return *baseline || !*line->options.baseline || error_prefix(&job->error, "--baseline=");
}

static void note_old_baseline(const struct command_line *line, const struct baseline *baseline)
{
    size_t old = baseline ? baseline_old(baseline) : 0;
    if (old && line->verbose >= 0)
        cli_message("%s: %zu leak%s matched by fingerprints " BASELINE_OLD_TEXT, line->options.baseline, old,
                    old == 1 ? " was" : "s were");
}

static int judged_status(const struct command_line *line, const struct report *report)
{
    bool fails = (line->check && report->summary.leaked_threads) || report->summary.failing_findings;
    return fails ? STATUS_CHECK_LEAKS : STATUS_REPORTED;
}

static int report(const struct command_line *line)
{
    struct baseline *baseline = NULL;
    struct report_target job = {
        .options = &line->options,
        .suppressions = line->suppressions.rules,
        .judge_live = line->check || line->leaks_alone,
        .no_stop = line->no_stop,
        .all_sites = wanted_has_all_sites(&line->outputs),
        .find = line->findings.find,
        .symbolizer = symbolizer_new(line->debuginfod),
        .report = report_new(),
    };
    int status = STATUS_CANNOT;
    oom_take_this_first();
    progress_begin();
    if (!job.symbolizer || !job.report) {
        cli_message("report: out of memory");
    } else if (!read_baseline(line, &job, &baseline) || !report_target_add(&job, line->target)) {
        cli_message("report: %s", job.error.text);
    } else {
        if (baseline)
            baseline_apply(baseline, job.report);
        report_finish(job.report);
        finding_options_mark(&line->findings, job.report);
        progress_end();
        status = judged_status(line, job.report);
        if (!print(line, &job)) {
            status = STATUS_CANNOT;
        } else if (!suppression_options_print(&line->suppressions, job.report, &job.error)) {
            cli_message("report: %s", job.error.text);
            status = STATUS_CANNOT;
        } else if (line->check && !can_be_checked(job.report)) {
            status = STATUS_CANNOT;
        }
    }
    progress_end();
    note_old_baseline(line, baseline);
    report_free(job.report);
    baseline_free(baseline);
    symbolizer_free(job.symbolizer);
    return status;
}

static int run(int argc, char **argv)
{
    struct command_line line = {.findings = {.find = FIND_DEFAULT}};
    struct error error;
    options_defaults(&line.options);
    enum command_parsed parsed = command_parse(&command_report, argc, argv, &line);
    int status = command_parse_status(parsed);
    if (parsed == COMMAND_PARSED) {
        if (complete(&line, argc, argv, &error))
            status = report(&line);
        else
            cli_message("report: %s", error.text);
    }
    suppression_options_release(&line.suppressions);
    return status;
}

const struct command command_report = {
    .name = "report",
    .summary = "report the threads of a live process, or of a core file",
    .run = run,
    .usage = "[OPTIONS] PID | NAME | FILE",
    .about = "Reports every thread of a live process: who created it, its current stack, and\n"
             "what it waits for. The creators are unknown when the process is not watched.\n"
             "FILE: a core file, the ledger file of a dead process, or the directory of a run.\n",
    .options = option_table,
    .after = "Exit status: 0 reported; 1 leaks, with --check; 2 failed, also with --check of a\n"
             "process that is not watched.\n"
             "\n"
             "  threadleak report 4242\n"
             "  threadleak report --check --report=unjoined 4242\n",
};
