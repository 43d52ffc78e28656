#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/common/cli.h"
#include "leak/build.h"
#include "cli/common/outputs.h"
#include "cli/run/per_process.h"
#include "cli/run/baseline.h"
#include "cli/run/child.h"
#include "cli/common/run_dir.h"
#include "cli/run/collect.h"
#include "cli/run/fill.h"
#include "cli/common/run_env.h"
#include "cli/run/judge.h"
#include "cli/run/notes.h"
#include "cli/run/options.h"
#include "cli/run/server.h"
#include "cli/run/tree.h"
#include "cli/common/watchable.h"

/* One run, from its command line to its exit status. */
struct run {
    struct run_options given;
    char path[PATH_MAX]; /* of COMMAND */
    char directory[RUN_DIR_MAX];
    char *shim;
    char **environment;
    struct run_child child;
    struct run_server server;
    struct outputs outputs;
    struct run_baseline baseline;
    struct run_ledgers ledgers;
    int wait_status;
    bool timed_out;
};

static int fail(const struct error *error)
{
    cli_message("run: %s", error->text);
    return STATUS_FAILED;
}

/* ---- before COMMAND ---------------------------------------------------------------- */

static int check_command(struct run *run, struct error *error)
{
    switch (watchable_command(run->given.command[0], run->path, error)) {
    case WATCHABLE:
        return 0;
    case WATCHABLE_NOT_FOUND:
        fail(error);
        return STATUS_NOT_FOUND;
    case WATCHABLE_NOT_EXECUTABLE:
        fail(error);
        return STATUS_NOT_EXECUTABLE;
    case WATCHABLE_NEVER:
        break;
    }
    return fail(error);
}

/* Ignored by the shim, they would be options that were given and do nothing. */
static bool have_room(const char *options, struct error *error)
{
    const char *variable = getenv("THREADLEAK_OPTIONS");
    size_t size = strlen(options) + 1 + (variable ? strlen(variable) : 0);
    if (size < OPTIONS_PART_MAX)
        return true;
    return error_set(error,
                     "THREADLEAK_OPTIONS and the options given here are %zu bytes together: %d at most", size,
                     OPTIONS_PART_MAX - 1);
}

static bool prepare(struct run *run, struct error *error)
{
    const char *options = run->given.text ? run->given.text : "";
    if (!have_room(options, error))
        return false;
    run->shim = run_find_shim(error);
    if (!run->shim || !run_dir_make(run->directory, error))
        return false;
    run->environment = run_environment(run->shim, run->directory, options);
    if (run->environment)
        return true;
    return error_set(error, "out of memory");
}

/* The files of --per-process come into being when it is known of which processes. */
static bool open_outputs(struct run *run, struct error *error)
{
    const struct wanted_outputs *wanted = &run->given.outputs;
    const struct outputs_subject subject = {run->child.pid, run->path};
    for (size_t i = 0; i < wanted->count; i++) {
        if (run->given.per_process && per_process_is_split(&wanted->items[i]))
            continue;
        if (!outputs_add(&run->outputs, &wanted->items[i], &subject, stderr, error))
            return false;
    }
    return true;
}

/* ---- the report ------------------------------------------------------------------------ */

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

static bool finish_report(struct run *run, struct report *report, struct error *error)
{
    report->argv = copy_arguments(run->given.command);
    report->unwatched = run->ledgers.unwatched;
    report->unwatched_count = run->ledgers.unwatched_count;
    run->ledgers.unwatched = NULL;
    run->ledgers.unwatched_count = 0;
    if (!run_baseline_judge(&run->baseline, report, !run->timed_out, error))
        return false;
    report_finish(report);
    return true;
}

/* False: it has been told what went wrong. */
static bool print_report(struct run *run, const struct report *report)
{
    const struct run_options *given = &run->given;
    const struct outputs_style style = {
        .style = {.others = run->timed_out,
                  .all = given->verbose > 0 || run->timed_out,
                  .verbose = given->verbose},
        .color = given->options.color,
        .text_if_leaks = given->verbose <= 0,
    };
    bool done = outputs_write(&run->outputs, "run", report, &style);
    if (given->per_process)
        done = per_process_write(&run->outputs, &given->outputs, report, &style) && done;
    return done;
}

/* The same. */
static bool tell_rules(const struct run *run, const struct report *report, struct error *error)
{
    if (suppression_options_print(&run->given.suppressions, report, error))
        return true;
    fail(error);
    return false;
}

static int command_status(const struct run *run)
{
    if (WIFSIGNALED(run->wait_status))
        return 128 + WTERMSIG(run->wait_status);
    return WEXITSTATUS(run->wait_status);
}

/* The time is over: all that is there is reported, and then ended.  False: it has been told why not. */
static bool report_all_alive(struct run *run, struct error *error)
{
    struct report *report = report_new();
    struct symbolizer *symbolizer = symbolizer_new(run->given.debuginfod);
    bool done = false;
    if (!report || !symbolizer) {
        cli_message("run: out of memory");
    } else {
        const struct run_judge judge = {&run->given, symbolizer};
        report->timed_out_s = run->given.timeout_s;
        done = run_fill_alive(report, &run->ledgers, run->child.pid, run->directory, &judge, error);
        done = done && finish_report(run, report, error);
        if (!done)
            fail(error);
        done = done && print_report(run, report) && tell_rules(run, report, error);
    }
    report_free(report);
    symbolizer_free(symbolizer);
    return done;
}

static int end_in_time(struct run *run, int status, struct error *error)
{
    if (!status && !report_all_alive(run, error))
        status = STATUS_FAILED;
    if (!run_tree_end(run->child.pid, run->directory))
        cli_message("run: some processes of %s could not be ended", run->path);
    return status ? status : STATUS_TIMED_OUT;
}

/* ---- COMMAND ------------------------------------------------------------------------- */

static int say_exec_failed(const struct run *run, int why)
{
    cli_message("run: %s cannot be run: %s", run->path, strerror(why));
    return why == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

/* 0, or the status to end with at once. */
static int run_command(struct run *run, struct error *error)
{
    if (!run_child_fork(&run->child, run->given.command, run->environment, error))
        return fail(error);
    int status = 0;
    /* The child's pid may be part of the name, so the child is there already;
     * whether it may go on to COMMAND is decided here. */
    if (!open_outputs(run, error)) {
        status = fail(error);
    } else {
        run_server_start(&run->server, run->child.pid, run->directory);
        int why = run_child_exec(&run->child);
        if (why)
            status = say_exec_failed(run, why);
    }
    if (!status) {
        run->timed_out = !run_child_wait(&run->child, run->given.timeout_s, &run->wait_status);
        pid_t ended = run->timed_out ? 0 : run->child.pid;
        if (!run_dir_collect(run->directory, ended, run->wait_status, run->given.require_watched,
                             &run->ledgers, error))
            status = fail(error);
    }
    run_server_end(&run->server);
    if (run->timed_out)
        status = end_in_time(run, status, error);
    /* Signals are still held back: from here on one of them may end us, and
     * nothing is left behind. */
    run_dir_remove(run->directory);
    run->directory[0] = '\0';
    run_child_end(&run->child, run->outputs.temporaries, OUTPUTS_MAX);
    return status;
}

/* ---- after COMMAND --------------------------------------------------------------------- */

static int say_not_watched(const struct run *run)
{
    cli_message(
        "run: %s %s not watched: " SHIM_NAME
        " did not report in. Something removed LD_PRELOAD or " LEDGER_RUN_ENV
        " from the environment, or the program is static, set-user-ID or for another C library, or it "
        "cannot reach the run's directory (another user, chroot).",
        run->path, run->ledgers.any ? "went on to a program (exec) that was" : "was");
    return STATUS_FAILED;
}

static int report_run(struct run *run, struct error *error)
{
    if (!run->ledgers.any)
        return say_not_watched(run);
    struct report *report = report_new();
    struct symbolizer *symbolizer = symbolizer_new(run->given.debuginfod);
    const struct run_judge judge = {&run->given, symbolizer};
    int status = command_status(run);
    if (!report || !symbolizer) {
        cli_message("run: out of memory");
        status = STATUS_FAILED;
    } else if (!run_fill_ledgers(report, &run->ledgers, &judge, error) ||
               !finish_report(run, report, error)) {
        status = fail(error);
    } else if (!print_report(run, report) || !tell_rules(run, report, error)) {
        status = STATUS_FAILED;
    } else {
        run_notes_say(report, &run->given, run->child.pid);
        run_baseline_say(&run->baseline, &run->given);
        if (!status && run->given.require_watched && (report->unwatched_count || run->ledgers.unreadable))
            status = STATUS_FAILED;
        if (!status && report->summary.leaked_threads)
            status = run->given.leak_status;
    }
    report_free(report);
    symbolizer_free(symbolizer);
    if (run->ledgers.escaped && run->given.options.follow)
        status = say_not_watched(run);
    return status;
}

static int run_all(struct run *run)
{
    struct error error = {""};
    if (!suppression_options_load(&run->given.suppressions, &run->given.options, &error) ||
        !run_baseline_open(&run->baseline, &run->given, &error))
        return fail(&error);
    int status = check_command(run, &error);
    if (status)
        return status;
    if (!prepare(run, &error))
        return fail(&error);
    status = run_command(run, &error);
    if (status)
        return status;
    /* A reader that has gone away is a failed write, to be told. */
    signal(SIGPIPE, SIG_IGN);
    return report_run(run, &error);
}

static void release(struct run *run)
{
    if (run->directory[0])
        run_dir_remove(run->directory);
    outputs_abandon(&run->outputs);
    run_baseline_release(&run->baseline);
    run_ledgers_release(&run->ledgers);
    run_options_release(&run->given);
    free(run->environment);
    free(run->shim);
}

static int run_main(int argc, char **argv)
{
    static struct run run;
    enum command_parsed parsed = run_options_parse(&command_run, &run.given, argc, argv);
    int status = parsed == COMMAND_HELPED ? STATUS_REPORTED : STATUS_FAILED;
    if (parsed == COMMAND_PARSED)
        status = run_all(&run);
    release(&run);
    return status;
}

const struct command command_run = {
    .name = "run",
    .summary = "run a command and report the threads that it and its children leak",
    .runs_another = true,
    .run = run_main,
    .usage = "[OPTIONS] [--] COMMAND [ARG...]",
    .about = "Runs COMMAND and its children, and reports once, at the end, the threads that they leaked.\n",
    .options = run_option_table,
    .after = "Exit status: COMMAND's own where it is not 0; 128+N when signal N ended it; 66 threads\n"
             "leaked; 124 timed out; 125 threadleak failed or COMMAND cannot be watched; 126 not\n"
             "executable; 127 not found.\n"
             "\n"
             "  threadleak run ./app\n"
             "  threadleak run -o leaks.json --format=json -- make check\n",
};
