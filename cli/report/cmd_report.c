/*
 * `threadleak report [OPTIONS] PID | FILE`: the threads of a live process, watched
 * or not, or of what a dead one left in a run's directory.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/common/cli.h"
#include "leak/build.h"
#include "common/options.h"
#include "cli/common/outputs.h"
#include "cli/report/target.h"
#include "cli/common/suppressions.h"

struct command_line {
    const char *target;
    struct wanted_outputs outputs;
    struct options options;
    struct suppression_options suppressions;
    bool check, all, debuginfod, help, no_stop, leaks_alone;
    int verbose;
};

enum {
    OPT_FORMAT = 256,
    OPT_REPORT,
    OPT_SUPPRESSIONS,
    OPT_CHECK,
    OPT_ALL,
    OPT_DEBUGINFOD,
    OPT_COLOR,
    OPT_THREADS,
    OPT_NO_STOP
};

static const struct option table[] = {
    {"format", required_argument, NULL, OPT_FORMAT},
    {"output", required_argument, NULL, 'o'},
    {"suppressions", required_argument, NULL, OPT_SUPPRESSIONS},
    {"check", no_argument, NULL, OPT_CHECK},
    {"report", required_argument, NULL, OPT_REPORT},
    {"all", no_argument, NULL, OPT_ALL},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"no-stop", no_argument, NULL, OPT_NO_STOP},
    {"debuginfod", no_argument, NULL, OPT_DEBUGINFOD},
    SUPPRESSION_OPTIONS,
    {"color", required_argument, NULL, OPT_COLOR},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void print_help(void)
{
    fputs("usage: threadleak report [OPTIONS] PID | FILE\n"
          "\n"
          "Reports every thread of a live process: who started it, where it is now, what it waits for.\n"
          "One that is not watched is reported without the first.  Of a dead process: what it left\n"
          "behind, a core file, a ledger file or the directory of a run.\n"
          "\n",
          stdout);
    printf("  --format=F[:FILE]     %s\n", report_format_names());
    fputs(
        "                        (default text); may be given more than once, each with its FILE or -o\n"
        "  -o, --output=FILE     the report goes there (default standard output)\n"
        "  --check               status 1 when there are leaks; a live process is judged as if it ended now\n"
        "  --report=KINDS        what counts as a leak: running,unjoined,detached\n"
        "  --threads=WHICH       all (default), or leaks: those that would count if it ended now\n"
        "  --no-stop             only what /proc tells: the process is not stopped for its stacks\n"
        "  --all                 every process and every thread in full\n"
        "  --color=WHEN          auto, always, never\n"
        "  --debuginfod          ask debuginfod servers for missing debug information\n"
        "  -q, --quiet           the summary alone\n"
        "  -v, --verbose         whole paths, the frames of runtimes too\n",
        stdout);
    fputs(suppression_options_help, stdout);
    fputs("\n"
          "Exit status: 0 reported; 1 with --check, and there are leaks; 2 could not: so also with --check\n"
          "of a process that is not watched.\n"
          "\n"
          "  threadleak report 4242            threadleak report --check --report=unjoined 4242\n",
          stdout);
}

/* ---- the command line ------------------------------------------------------------ */

static bool set_key(struct command_line *line, const char *key, const char *option, const char *value)
{
    const char *wrong = options_set(&line->options, key, value, strlen(value));
    if (wrong)
        cli_message("report: %s=%s %s", option, value, wrong);
    return !wrong;
}

static bool add_suppressions(struct command_line *line, const char *path)
{
    if (suppression_options_add_file(&line->suppressions, path))
        return true;
    cli_message("report: out of memory");
    return false;
}

static bool set_threads(struct command_line *line, const char *which)
{
    line->leaks_alone = strcmp(which, "leaks") == 0;
    if (line->leaks_alone || strcmp(which, "all") == 0)
        return true;
    cli_message("report: --threads=%s is none of: all, leaks", which);
    return false;
}

static bool take_option(struct command_line *line, int option, char **argv)
{
    if (suppression_options_take(&line->suppressions, option, optarg))
        return true;
    switch (option) {
    case OPT_FORMAT:
        return wanted_add_format(&line->outputs, "report", optarg);
    case OPT_REPORT:
        return set_key(line, "report", "--report", optarg);
    case OPT_COLOR:
        return set_key(line, "color", "--color", optarg);
    case OPT_SUPPRESSIONS:
        return add_suppressions(line, optarg);
    case 'o':
        return wanted_add_file(&line->outputs, "report", optarg);
    case OPT_CHECK:
        return line->check = true;
    case OPT_ALL:
        return line->all = true;
    case OPT_DEBUGINFOD:
        return line->debuginfod = true;
    case OPT_THREADS:
        return set_threads(line, optarg);
    case OPT_NO_STOP:
        return line->no_stop = true;
    case 'h':
        return line->help = true;
    case 'q':
        line->verbose = -1;
        return true;
    case 'v':
        line->verbose = 1;
        return true;
    default:
        cli_option_message("report", option, argv, table);
        return false;
    }
}

static bool parse(struct command_line *line, int argc, char **argv)
{
    int option;
    options_defaults(&line->options);
    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":o:qvh", table, NULL)) != -1)
        if (!take_option(line, option, argv))
            return false;
    if (line->help)
        return true;
    if (optind + 1 != argc) {
        cli_message(optind == argc ? "report: of what? Name a process by its PID, or a file"
                                   : "report: takes one PID or FILE, not %d",
                    argc - optind);
        return false;
    }
    line->target = argv[optind];
    if (!wanted_settle(&line->outputs, "report", &report_text, NULL))
        return false;
    struct error error;
    if (suppression_options_load(&line->suppressions, &error))
        return true;
    cli_message("report: %s", error.text);
    return false;
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

/* False: it has been told what went wrong. */
static bool print(const struct command_line *line, struct report_target *job)
{
    struct outputs outputs = {.count = 0};
    const struct outputs_style style = {
        .style = {.others = !line->leaks_alone,
                  .all = line->all || line->verbose > 0,
                  .verbose = line->all && !line->verbose ? 1 : line->verbose},
        .color = line->options.color,
    };
    if (open_all(line, &outputs, job))
        return outputs_write(&outputs, "report", job->report, &style);
    cli_message("report: %s", job->error.text);
    outputs_abandon(&outputs);
    return false;
}

/* Of one that is not watched no leak is known, and so no absence of any. */
static bool can_be_checked(const struct report *report)
{
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        if (process->watched)
            continue;
        cli_message(
            "report: --check: process %d is not watched: who created its threads is not known, so whether "
            "there are leaks is not either",
            (int)process->pid);
        return false;
    }
    return true;
}

static int report(const struct command_line *line)
{
    struct report_target job = {
        .options = &line->options,
        .suppressions = line->suppressions.rules,
        .judge_live = line->check || line->leaks_alone,
        .no_stop = line->no_stop,
        .symbolizer = symbolizer_new(line->debuginfod),
        .report = report_new(),
    };
    int status = STATUS_CANNOT;
    if (!job.symbolizer || !job.report) {
        cli_message("report: out of memory");
    } else if (!report_target_add(&job, line->target)) {
        cli_message("report: %s", job.error.text);
    } else {
        report_finish(job.report);
        status = line->check && job.report->summary.leaked_threads ? STATUS_CHECK_LEAKS : STATUS_REPORTED;
        if (!print(line, &job)) {
            status = STATUS_CANNOT;
        } else if (!suppression_options_tell(&line->suppressions, job.report, &job.error)) {
            cli_message("report: %s", job.error.text);
            status = STATUS_CANNOT;
        } else if (line->check && !can_be_checked(job.report)) {
            status = STATUS_CANNOT;
        }
    }
    report_free(job.report);
    symbolizer_free(job.symbolizer);
    return status;
}

int cmd_report(int argc, char **argv)
{
    struct command_line line = {.target = NULL};
    int status = STATUS_CANNOT;
    if (parse(&line, argc, argv)) {
        status = STATUS_REPORTED;
        if (line.help)
            print_help();
        else
            status = report(&line);
    }
    suppression_options_release(&line.suppressions);
    return status;
}
