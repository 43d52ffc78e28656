#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/shim.h"
#include "cli/common/cli.h"
#include "cli/common/run_env.h"
#include "cli/common/watchable.h"
#include "cli/run/keep_status.h"
#include "cli/run/ledgers.h"
#include "cli/run/per_process.h"
#include "cli/run/run.h"
#include "cli/run/tree.h"
#include "common/run_protocol.h"

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

/* The shim would ignore options that do not fit. */
static bool options_fit(const char *options, struct error *error)
{
    const char *variable = getenv("THREADLEAK_OPTIONS");
    size_t size = strlen(options) + 1 + (variable ? strlen(variable) : 0);
    if (size < OPTIONS_PART_MAX)
        return true;
    return error_set(
        error,
        "THREADLEAK_OPTIONS and the options given here have %zu bytes together; at most %d are possible",
        size, OPTIONS_PART_MAX - 1);
}

/* The seed of this run comes last. */
static bool make_environment(struct run *run, struct error *error)
{
    const char *given = run->given.text ? run->given.text : "";
    unsigned number = run->series.number ? run->series.number : 1;
    char *options = NULL;
    int length = run->given.shake ? asprintf(&options, "%s%sshake=%u", given, *given ? ":" : "",
                                             run->given.shake + number - 1)
                                  : asprintf(&options, "%s", given);
    if (length < 0)
        return error_set(error, "out of memory");
    bool fits = options_fit(options, error);
    run->environment = fits ? run_environment(run->shim, run->directory, options) : NULL;
    free(options);
    return run->environment || (fits ? error_set(error, "out of memory") : false);
}

static bool prepare(struct run *run, struct error *error)
{
    run->shim = shim_find(error);
    if (!run->shim || !run_dir_make(run->directory, error))
        return false;
    if (finding_reach(run->given.findings.find, REACH_AVAILABLE) == REACH_NOTHING)
        run_dir_skip_reach(run->directory);
    return make_environment(run, error);
}

/* The files of --per-process are opened later, when the processes are known. */
static bool open_outputs(struct run *run, struct error *error)
{
    const struct wanted_outputs *wanted = &run->given.outputs;
    if (run->outputs.count) /* by an earlier run */
        return true;
    const struct outputs_subject subject = {run->child.pid, run->path};
    for (size_t i = 0; i < wanted->count; i++) {
        if (run->given.per_process && per_process_is_split(&wanted->items[i]))
            continue;
        if (!outputs_add(&run->outputs, &wanted->items[i], &subject, stderr, error))
            return false;
    }
    return true;
}

/* ---- COMMAND ------------------------------------------------------------------------- */

static int report_exec_failure(const struct run *run, int why)
{
    cli_message("run: %s cannot be run: %s", run->path, strerror(why));
    return why == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

static bool was_killed(const struct run *run)
{
    return WIFSIGNALED(run->wait_status);
}

static int command_status(const struct run *run)
{
    if (was_killed(run))
        return 128 + WTERMSIG(run->wait_status);
    return WEXITSTATUS(run->wait_status);
}

/* Reports all processes, and ends them. */
static int time_out(struct run *run, int status)
{
    if (!status)
        status = run_report(run, STATUS_TIMED_OUT);
    if (!run_tree_end(run->child.pid, run->directory, &run->holds))
        cli_message("run: some processes of %s could not be ended; end them by hand", run->path);
    return status;
}

/* 0, or the exit status. */
static int start_command(struct run *run, struct error *error)
{
    /* The name of the file may contain the pid of the child, so the child is forked first. It executes
     * COMMAND only after this. */
    if (!open_outputs(run, error))
        return fail(error);
    run_server_start(&run->server, run->child.pid, run->directory);
    output_keep(run->given.suppressions.generate_to);
    output_keep(run->given.write_baseline);
    int why = run_child_exec(&run->child);
    return why ? report_exec_failure(run, why) : 0;
}

/* Waits for the end of COMMAND and reads all ledgers. 0, or the exit status. */
static int collect_ledgers(struct run *run, struct error *error)
{
    run->timed_out = !run_child_wait(&run->child, run->given.timeout_s, &run->wait_status);
    const struct run_collect collect = {.directory = run->directory,
                                        .root = run->child.pid,
                                        .child = run->timed_out ? 0 : run->child.pid,
                                        .wait_status = run->wait_status,
                                        .strict = run->given.require_watched,
                                        .command = run->given.command[0]};
    if (run->timed_out)
        keep_status(STATUS_TIMED_OUT, run->child.pid, run->outputs.temporaries, OUTPUTS_MAX);
    else
        keep_status(command_status(run), 0, run->outputs.temporaries, OUTPUTS_MAX);
    if (run_dir_collect(&collect, &run->ledgers, error))
        return 0;
    fail(error);
    return command_status(run) ? command_status(run) : STATUS_FAILED;
}

/* 0, or the exit status. */
static int run_command(struct run *run, struct error *error)
{
    if (!run_child_fork(&run->child, run->given.command, run->environment, error))
        return fail(error);
    int status = start_command(run, error);
    if (!status)
        status = collect_ledgers(run, error);
    run_server_end(&run->server);
    if (run->timed_out)
        status = time_out(run, status);
    /* Signals are still blocked. run_child_end unblocks them, and one may end this process, so the directory
     * is removed first. */
    run_dir_remove(run->directory);
    run->directory[0] = '\0';
    run_child_end(&run->child, run->outputs.temporaries, OUTPUTS_MAX);
    return status;
}

/* ---- after COMMAND --------------------------------------------------------------------- */

/* A signal can end COMMAND before the shim begins. */
static int report_not_watched(const struct run *run)
{
    if (was_killed(run) && !run->ledgers.any)
        cli_message("run: signal %d ended %s before it was watched", WTERMSIG(run->wait_status), run->path);
    else
        cli_message("run: %s was not watched%s: " SHIM_NAME
                    " did not report in. Either something removed LD_PRELOAD "
                    "or " LEDGER_RUN_ENV
                    " from the environment, or the program is static, set-user-ID or for another "
                    "C library, or it cannot reach the directory of the run (another user, chroot).",
                    run->path, run->ledgers.any ? " after it called exec" : "");
    return was_killed(run) ? command_status(run) : STATUS_FAILED;
}

static int report_end(struct run *run)
{
    if (!run->ledgers.any)
        return report_not_watched(run);
    int status = run_report(run, command_status(run));
    return run->ledgers.escaped && run->given.options.follow ? report_not_watched(run) : status;
}

static int run_once(struct run *run)
{
    struct error error = {""};
    if (!prepare(run, &error))
        return fail(&error);
    int status = run_command(run, &error);
    return status ? status : report_end(run);
}

static void release_run(struct run *run)
{
    if (run->directory[0])
        run_dir_remove(run->directory);
    run->directory[0] = '\0';
    run_ledgers_release(&run->ledgers);
    free(run->environment);
    free(run->shim);
    run->environment = NULL;
    run->shim = NULL;
}

static int run_many(struct run *run)
{
    struct run_series *series = &run->series;
    while (series->number < run->given.repeat && !series->over) {
        series->number++;
        release_run(run);
        run_series_count(series, run_once(run));
    }
    return run_report_series(run);
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
    return run->given.repeat ? run_many(run) : run_once(run);
}

static void release(struct run *run)
{
    release_run(run);
    outputs_abandon(&run->outputs);
    run_series_release(&run->series);
    run_baseline_release(&run->baseline);
    run_options_release(&run->given);
}

static int run_main(int argc, char **argv)
{
    static struct run run;
    enum command_parsed parsed = run_options_parse(&command_run, &run.given, argc, argv);
    int status = parsed == COMMAND_HELPED ? STATUS_REPORTED : STATUS_FAILED;
    if (parsed == COMMAND_PARSED)
        status = run_all(&run);
    keep_status_end();
    release(&run);
    return status;
}

const struct command command_run = {
    .name = "run",
    .summary = "run a command and report the threads that it and its children leak",
    .runs_another = true,
    .run = run_main,
    .usage = "[OPTIONS] [--] COMMAND [ARG...]",
    .about = "Runs COMMAND and its children. At the end, prints one report of the threads that\n"
             "they leaked. Prints nothing when no thread leaked.\n",
    .options = run_option_table,
    .after = "Exit status: COMMAND's own if it is not 0; 128+N when signal N ended it; 66\n"
             "threads leaked; 124 timed out; 125 threadleak failed, or COMMAND cannot be\n"
             "watched; 126 not executable; 127 not found.\n"
             "\n"
             "  threadleak run ./app\n"
             "  threadleak run -o leaks.json --format=json -- make check\n",
};
