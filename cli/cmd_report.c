/*
 * `threadleak report [OPTIONS] PID | FILE`: the threads of a live process, watched
 * or not, or of what a dead one left in a run's folder.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "core_file.h"
#include "ignore.h"
#include "leak.h"
#include "options.h"
#include "output.h"
#include "process.h"
#include "report.h"
#include "run_of.h"
#include "snapshot.h"

struct command_line {
    const char *target;
    const char *output;
    const struct report_format *format;
    struct options options;
    struct ignore *ignore;
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
          "behind, a core file, a ledger file or the folder of a run.\n"
          "\n",
          stdout);
    printf("  --format=F            %s (default text)\n", report_format_names());
    fputs(
        "  -o, --output=FILE     the report goes there (default standard output)\n"
        "  --check               status 1 when there are leaks; a live process is judged as if it ended now\n"
        "  --report=KINDS        what counts as a leak: running,unjoined,detached\n"
        "  --suppressions=FILE   rules thread:PATTERN, one a line; may be given more than once\n"
        "  --threads=WHICH       all (default), or leaks: those that would count if it ended now\n"
        "  --no-stop             only what /proc tells: the process is not stopped for its stacks\n"
        "  --all                 every process and every thread in full\n"
        "  --color=WHEN          auto, always, never\n"
        "  --debuginfod          ask debuginfod servers for missing debug information\n"
        "  -q, --quiet           the summary alone\n"
        "  -v, --verbose         whole paths, the frames of runtimes too\n"
        "\n"
        "Exit status: 0 reported; 1 with --check, and there are leaks; 2 could not.\n"
        "\n"
        "  threadleak report 4242            threadleak report --check --report=unjoined 4242\n",
        stdout);
}

/* ---- the command line ------------------------------------------------------------ */

static bool set_key(struct command_line *line, const char *key, const char *option, const char *value)
{
    const char *wrong = options_set(&line->options, key, value, strlen(value));
    if (wrong)
        cli_say("report: %s=%s %s", option, value, wrong);
    return !wrong;
}

static bool add_suppressions(struct command_line *line, const char *path)
{
    struct error error;
    if (ignore_load(line->ignore, path, &error))
        return true;
    cli_say("report: %s", error.text);
    return false;
}

static bool set_format(struct command_line *line, const char *name)
{
    line->format = report_format_find(name);
    if (!line->format)
        cli_say("report: --format=%s is none of: %s", name, report_format_names());
    return line->format != NULL;
}

static bool set_threads(struct command_line *line, const char *which)
{
    line->leaks_alone = strcmp(which, "leaks") == 0;
    if (line->leaks_alone || strcmp(which, "all") == 0)
        return true;
    cli_say("report: --threads=%s is none of: all, leaks", which);
    return false;
}

static bool take_option(struct command_line *line, int option, char **argv)
{
    switch (option) {
    case OPT_FORMAT:
        return set_format(line, optarg);
    case OPT_REPORT:
        return set_key(line, "report", "--report", optarg);
    case OPT_COLOR:
        return set_key(line, "color", "--color", optarg);
    case OPT_SUPPRESSIONS:
        return add_suppressions(line, optarg);
    case 'o':
        line->output = optarg;
        return true;
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
        cli_say_option("report", option, argv, table);
        return false;
    }
}

static bool parse(struct command_line *line, int argc, char **argv)
{
    int option;
    options_defaults(&line->options);
    line->format = &report_text;
    line->ignore = ignore_new();
    if (!line->ignore) {
        cli_say("report: out of memory");
        return false;
    }
    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":o:qvh", table, NULL)) != -1)
        if (!take_option(line, option, argv))
            return false;
    if (line->help)
        return true;
    if (optind + 1 != argc) {
        cli_say(optind == argc ? "report: of what? Name a process by its PID, or a file"
                               : "report: takes one PID or FILE, not %d",
                argc - optind);
        return false;
    }
    line->target = argv[optind];
    return true;
}

/* ---- what is reported --------------------------------------------------------------- */

struct job {
    const struct command_line *line;
    struct symbolizer *symbolizer;
    struct report *report;
    struct error error;
};

static bool add_ledger(struct job *job, struct ledger *ledger, const struct known_end *end)
{
    const struct verdict_rules rules = {
        .kinds = job->line->options.report,
        .judge = job->line->options.judge,
        .judge_live = job->line->check || job->line->leaks_alone,
        .ignore = job->line->ignore,
        .symbolizer = job->symbolizer,
    };
    return report_add_ledger(job->report, ledger, end, &rules, &job->error);
}

/* NULL, without an error: not asked for.  NULL with one: there is no such process. */
static struct present *take_present(struct job *job, pid_t pid, const struct ledger *ledger)
{
    const struct present_options options = {.symbolizer = job->symbolizer, .ledger = ledger};
    return job->line->no_stop ? NULL : present_take(pid, &options, &job->error);
}

static bool add_watched(struct job *job, pid_t pid, struct ledger *ledger)
{
    struct present *present = take_present(job, pid, ledger);
    if (!present && !job->line->no_stop)
        return false;
    return add_ledger(job, ledger, &(struct known_end){.alive = true, .pid = pid, .present = present});
}

static bool add_unwatched(struct job *job, pid_t pid)
{
    pid_t command = run_command_of(pid);
    if (command > 0) {
        error_set(&job->error,
                  "process %d is threadleak run itself; its command is process %d: threadleak report %d",
                  (int)pid, (int)command, (int)command);
        return false;
    }
    struct present *present = take_present(job, pid, NULL);
    if (!present && !job->line->no_stop)
        return false;
    return report_add_unwatched(job->report, pid, present, &job->error);
}

static bool add_process(struct job *job, long pid)
{
    struct ledger *ledger = NULL;
    switch (ledger_open_process((pid_t)pid, &ledger, &job->error)) {
    case LEDGER_OPEN_OK:
        break;
    case LEDGER_OPEN_NOT_WATCHED:
        return add_unwatched(job, (pid_t)pid);
    case LEDGER_OPEN_FAILED:
        return false;
    }
    bool added = add_watched(job, (pid_t)pid, ledger);
    ledger_close(ledger);
    return added;
}

static bool add_file(struct job *job, const char *path)
{
    struct ledger *ledger = NULL;
    if (ledger_open_file(path, &ledger, &job->error) != LEDGER_OPEN_OK)
        return false;
    struct known_end end = {.alive = ledger_file_in_use(path, ledger_get_header(ledger)->pid)};
    bool added = add_ledger(job, ledger, &end);
    ledger_close(ledger);
    return added;
}

/* What a core does not hold is told, and the rest reported. */
static void say_notice(const char *notice)
{
    if (*notice)
        cli_say("report: %s", notice);
}

static bool add_core_ledger(struct job *job, const struct core_file *core, struct ledger *ledger,
                            struct present *present)
{
    const struct known_end end = {.core = true,
                                  .pid = core->pid,
                                  .known = core->signal != 0,
                                  .wait_status = core->signal,
                                  .present = present};
    return add_ledger(job, ledger, &end);
}

static bool add_opened_core(struct job *job, const struct core_file *core)
{
    struct ledger *ledger = NULL;
    struct snapshot *snapshot = NULL;
    struct error note = {""}, why = {""};
    say_notice(core->notice.text);
    if (ledger_open_core(core, &ledger, &note) != LEDGER_OPEN_OK || *note.text)
        say_notice(note.text);
    const struct present_options options = {.symbolizer = job->symbolizer, .ledger = ledger};
    struct present *present = NULL;
    if (snapshot_open_core(core, &snapshot, &why) == SNAPSHOT_OK)
        present = present_of_snapshot(snapshot, PRESENT_CORE, &options, &why);
    if (!present && strcmp(why.text, core->notice.text) != 0)
        say_notice(why.text);
    bool added = false;
    if (ledger)
        added = add_core_ledger(job, core, ledger, present);
    else if (present)
        added = report_add_core(job->report, core, present, &job->error);
    else
        error_set(&job->error, "%s: no thread and no ledger in this core", core->path);
    snapshot_free(snapshot);
    ledger_close(ledger);
    return added;
}

static bool add_core(struct job *job, const char *path)
{
    struct core_file *core = core_file_open(path, &job->error);
    bool added = core && add_opened_core(job, core);
    core_file_close(core);
    return added;
}

static int is_ledger_name(const struct dirent *entry)
{
    return strncmp(entry->d_name, LEDGER_FILE_PREFIX, strlen(LEDGER_FILE_PREFIX)) == 0;
}

static bool add_entry(struct job *job, const char *folder, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (length > 0 && (size_t)length < sizeof(path))
        return add_file(job, path);
    error_set(&job->error, "%s: %s", folder, strerror(ENAMETOOLONG));
    return false;
}

/* A run's folder: what can be read of it, and a line for each that can not; the
 * last such line is left to the caller when there is nothing else to report. */
static bool add_folder(struct job *job, const char *folder)
{
    struct dirent **entries;
    size_t added = 0, failed = 0;
    int count = scandir(folder, &entries, is_ledger_name, versionsort);
    if (count < 0) {
        error_set(&job->error, "%s: %s", folder, strerror(errno));
        return false;
    }
    for (int i = 0; i < count; i++) {
        struct error before = job->error;
        if (add_entry(job, folder, entries[i]->d_name))
            added++;
        else if (failed++)
            cli_say("report: %s", before.text);
        free(entries[i]);
    }
    free(entries);
    if (count == 0)
        error_set(&job->error, "%s: no ledger in this folder: no watched process left anything there",
                  folder);
    else if (added && failed)
        cli_say("report: %s", job->error.text);
    return added > 0;
}

static bool is_number(const char *text)
{
    const char *at = text;
    while (isdigit((unsigned char)*at))
        at++;
    return at > text && !*at;
}

static bool add_target(struct job *job)
{
    const char *target = job->line->target;
    struct stat status;
    long pid;
    if (is_number(target)) {
        if (cli_number(target, 1, INT_MAX, &pid))
            return add_process(job, pid);
        error_set(&job->error, "no process %s", target);
        return false;
    }
    if (stat(target, &status) == 0 && S_ISDIR(status.st_mode))
        return add_folder(job, target);
    return core_file_is(target) ? add_core(job, target) : add_file(job, target);
}

/* ---- printing ---------------------------------------------------------------------------- */

static bool print(struct job *job)
{
    const struct command_line *line = job->line;
    struct output output;
    if (!output_open(&output, line->output, stdout, &job->error))
        return false;
    const struct report_style style = {
        .color = output_color(output.file, line->options.color),
        .others = !line->leaks_alone,
        .all = line->all || line->verbose > 0,
        .verbose = line->all && !line->verbose ? 1 : line->verbose,
    };
    if (line->format->print(output.file, job->report, &style))
        return output_commit(&output, &job->error);
    error_set(&job->error, "%s could not be written: %s", output.name ? output.name : "the report",
              strerror(errno));
    output_abandon(&output);
    return false;
}

static int report(const struct command_line *line)
{
    struct job job = {.line = line, .symbolizer = symbolizer_new(line->debuginfod), .report = report_new()};
    int status = STATUS_CANNOT;
    if (!job.symbolizer || !job.report) {
        cli_say("report: out of memory");
    } else if (!add_target(&job)) {
        cli_say("report: %s", job.error.text);
    } else {
        report_finish(job.report);
        status = line->check && job.report->summary.leaked_threads ? STATUS_CHECK_LEAKS : STATUS_REPORTED;
        if (!print(&job)) {
            cli_say("report: %s", job.error.text);
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
    ignore_free(line.ignore);
    return status;
}
