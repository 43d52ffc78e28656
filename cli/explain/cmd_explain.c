/*
 * `threadleak _explain exit|dump|save PID [DIRECTORY | PARK TID]`: the shim runs it to get its process
 * reported at the end, or on the dump signal.  At the end no thread except TID returns to the program: all
 * others go on at the address PARK, where they sleep.  "save" saves the current stacks beside the
 * ledger at the end of a process under `threadleak run`, for the report of the run.  With
 * DIRECTORY it writes only there, since the process must not choose where root writes.
 * Hidden from the help.  The requests of <threadleak.h> are in check.c.
 *
 * Exit status: 0 nothing counts, and nothing was written; 1 leaks were reported; 2 it
 * failed, and the shim writes its own raw report.
 */
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/common/cli.h"
#include "cli/common/command.h"
#include "cli/common/oom.h"
#include "cli/common/run_dir.h"
#include "cli/explain/explain.h"
#include "report/report.h"

static bool build_report(struct explain *explain, struct error *error)
{
    const struct verdict_rules rules = {
        .kinds = explain->options.report,
        .judge_seen = explain->options.judge,
        .suppressions = explain->suppressions.rules,
        .find = FIND_DEFAULT,
        .symbolizer = explain->symbolizer,
    };
    return explain_judge(explain, &rules, error);
}

static int explain_process(struct explain *explain)
{
    struct error error = {""};
    if (explain->save) {
        umask(077); /* the umask of the program may make the file unreadable */
        return save_stacks(explain->pid, explain->directory, &explain->park) ? STATUS_REPORTED
                                                                             : STATUS_CANNOT;
    }
    if (!explain_open(explain, &error))
        return STATUS_CANNOT;
    suppression_options_load_leniently(&explain->suppressions, &explain->options);
    if (!explain_prepare(explain) || !build_report(explain, &error))
        return STATUS_CANNOT;
    suppression_options_warn(explain->report);
    bool leaks = !explain->dump && explain->report->summary.leaked_threads > 0;
    if (!explain->dump && !leaks)
        return STATUS_REPORTED;
    if (!explain_write(explain))
        return STATUS_CANNOT;
    return leaks ? STATUS_CHECK_LEAKS : STATUS_REPORTED;
}

static bool read_park(struct stacks_park *park, const char *address, const char *tid)
{
    long at, except;
    if (!cli_number(address, 1, LONG_MAX, &at) || !cli_number(tid, 1, INT_MAX, &except))
        return false;
    *park = (struct stacks_park){(uint64_t)at, (pid_t)except};
    return true;
}

static int run(int argc, char **argv)
{
    struct explain explain = {.pid = 0};
    long pid;
    oom_take_this_first();
    if (argc > 1 && explain_is_question(argv[1]))
        return explain_question(argc, argv);
    if (argc < 3 || argc > 5 || !cli_number(argv[2], 1, INT_MAX, &pid) ||
        (argc == 5 && !read_park(&explain.park, argv[3], argv[4])) ||
        (strcmp(argv[1], "exit") != 0 && strcmp(argv[1], "dump") != 0 && strcmp(argv[1], "save") != 0)) {
        cli_message("_explain is for libthreadleak.so only; see 'threadleak help'");
        return STATUS_CANNOT;
    }
    explain.save = strcmp(argv[1], "save") == 0;
    explain.dump = strcmp(argv[1], "dump") == 0;
    explain.at_end = strcmp(argv[1], "exit") == 0;
    explain.pid = (pid_t)pid;
    explain.directory = argc == 4 ? argv[3] : NULL;
    /* Otherwise SIGXFSZ or SIGPIPE would end this program without a message if the log cannot be written. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    int status = explain_process(&explain);
    explain_release(&explain);
    return status;
}

const struct command command_explain = {
    .name = "_explain", .summary = "explain the ledger of the calling process", .hidden = true, .run = run};
