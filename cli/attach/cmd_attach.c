/*
 * `threadleak attach PID`: watches a program that runs already. It stays in the foreground until the program
 * or the user ends it. The other commands read the ledger that it writes.
 */
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "attach/attach.h"
#include "cli/common/cli.h"
#include "cli/common/command.h"
#include "cli/common/pids.h"

struct command_line {
    struct attach_options options;
    bool quiet;
};

static bool set_stack(void *line, const struct command_option *option, const char *value, struct error *error)
{
    long bytes;
    (void)option;
    if (!cli_number(value, 512, ATTACH_STACK_MAX, &bytes) || bytes % 8)
        return error_set(error, "--stack-bytes=%s is not a multiple of 8 from 512 to %d", value,
                         ATTACH_STACK_MAX);
    ((struct command_line *)line)->options.stack_bytes = (uint32_t)bytes;
    return true;
}

#define MEMBER(name) offsetof(struct command_line, name)

static const struct command_option option_table[] = {
    {.name = "stack-bytes",
     .argument = "N",
     .initial = "8192, more where stacks are deeper",
     .set = set_stack,
     .help = "bytes of the creator's stack that are copied at each creation"},
    COMMAND_FLAG("system-wide", options.system_wide,
                 "open one event for each CPU, not for each thread; creations get slower in every process "
                 "with this libc"),
    {.name = "quiet",
     .letter = 'q',
     .set = command_set_flag,
     .offset = MEMBER(quiet),
     .help = "print only errors"},
    {.name = NULL},
};

enum { SETTLE_STEPS = 2 };

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static void end_on_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &action, NULL);
}

static void print_end(const struct attach *attach, pid_t pid, bool ended)
{
    struct attach_counts counts = attach_count(attach);
    const char *least = counts.lost ? "at least " : "";
    if (ended)
        cli_message("process %d has ended: it created %s%" PRIu64 " threads since the attach", (int)pid,
                    least, counts.created);
    else if (counts.lost) /* the ends of some are not known */
        cli_message("detached from process %d: it created at least %" PRIu64 " threads", (int)pid,
                    counts.created);
    else
        cli_message("detached from process %d: it created %" PRIu64 " threads, of which %" PRIu64
                    " are alive and %" PRIu64 " ended without a join",
                    (int)pid, counts.created, counts.alive, counts.unjoined);
    if (counts.lost)
        cli_message("%" PRIu64 " events of process %d were lost: its threads came faster than they were read",
                    counts.lost, (int)pid);
    if (counts.cut * 100 > counts.created)
        cli_message("%" PRIu64 " of %" PRIu64
                    " creation stacks are deeper than their copies; --stack-bytes=%" PRIu32 " copies more",
                    counts.cut, counts.created, counts.enough_bytes);
}

static int follow(struct attach *attach, pid_t pid, bool quiet)
{
    struct error error;
    enum attach_status status = ATTACH_OK;
    while (!interrupted && status == ATTACH_OK)
        status = attach_step(attach, &error);
    /* A thread that is gone counts as joined one step later. */
    for (int i = 0; i < SETTLE_STEPS && status == ATTACH_OK; i++)
        status = attach_confirm(attach, &error);
    if (status == ATTACH_FAILED) {
        cli_message("attach: %s", error.text);
        return STATUS_CANNOT;
    }
    if (!quiet)
        print_end(attach, pid, status == ATTACH_ENDED);
    return STATUS_REPORTED;
}

static int attach_to(pid_t pid, const struct command_line *line)
{
    struct error error;
    end_on_signals();
    struct attach *attach = attach_new(pid, &line->options, &error);
    if (!attach) {
        cli_message("attach: %s", error.text);
        return STATUS_CANNOT;
    }
    if (!line->quiet)
        cli_message(
            "attached to process %d; 'threadleak report %d' shows who created its new threads; Ctrl-C "
            "ends this",
            (int)pid, (int)pid);
    int status = follow(attach, pid, line->quiet);
    attach_free(attach);
    return status;
}

static int run(int argc, char **argv)
{
    struct command_line line = {.quiet = false};
    struct error error;
    size_t count;
    pid_t pid;
    enum command_parsed parsed = command_parse(&command_attach, argc, argv, &line);
    if (parsed != COMMAND_PARSED)
        return command_parse_status(parsed);
    bool ok = pids_read(&command_attach, argc, argv, &pid, 1, &count, &error);
    if (!ok || !count) {
        cli_message("attach: %s", ok ? "give one PID; see 'threadleak help attach'" : error.text);
        return STATUS_CANNOT;
    }
    return attach_to(pid, &line);
}

const struct command command_attach = {
    .name = "attach",
    .summary = "watch a program that runs already",
    .run = run,
    .usage = "[OPTIONS] PID",
    .about = "Records who creates, joins and detaches threads in a running program, without a\n"
             "restart and without code in it. While it runs, all other commands know the\n"
             "creators of the new threads. It ends with the program, or with Ctrl-C. It needs\n"
             "root, or CAP_SYS_ADMIN, CAP_PERFMON and the right to trace the program; and\n"
             "glibc 2.34 or later in the program.\n",
    .after = "Exit status: 0 attached, and the program or the attach has ended; 2 failed.\n"
             "\n"
             "  threadleak attach 4242 &\n"
             "  threadleak report 4242\n",
    .options = option_table,
};
