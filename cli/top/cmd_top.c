/*
 * `threadleak top PID`: the creation sites of a running program, again and again. The program is not stopped.
 */
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/common/cli.h"
#include "cli/common/command.h"
#include "cli/common/pids.h"
#include "cli/common/terminal.h"
#include "cli/top/only.h"
#include "cli/top/screen.h"
#include "cli/top/wait.h"

struct command_line {
    double interval;
    long count; /* of samples in batch mode; 0: no end */
    bool batch;
};

static bool set_count(void *line, const struct command_option *option, const char *value, struct error *error)
{
    (void)option;
    if (cli_number(value, 1, LONG_MAX, &((struct command_line *)line)->count))
        return true;
    return error_set(error, "--count=%s is not a number above 0", value);
}

#define MEMBER(name) offsetof(struct command_line, name)

static const struct command_option option_table[] = {
    {.name = "interval",
     .argument = "TIME",
     .initial = "1s",
     .set = command_set_interval,
     .offset = MEMBER(interval),
     .help = "time between two samples"},
    COMMAND_FLAG("batch", batch, "print plain lines, without a terminal"),
    {.name = "count", .argument = "N", .set = set_count, .help = "with --batch: end after N samples"},
    {.name = NULL},
};

/* ---- plain lines ---------------------------------------------------------------------------------- */

static void print_sample(struct top *top, size_t width)
{
    char line[2048];
    top_title(top, line, width);
    puts(line);
    top_counts(top, line, width);
    puts(line);
    top_columns(line, width);
    puts(line);
    for (size_t i = 0; i < top->row_count; i++) {
        const struct top_row *row = &top->rows[i];
        if (!row->alive && !row->unjoined && !row->created)
            continue;
        top_line(row, line, width);
        puts(line);
    }
    puts("");
    fflush(stdout);
}

/* False: a signal ended it. */
static bool sleep_for(double seconds)
{
    uint64_t interval = (uint64_t)(seconds * 1e9), until = now_ns() + interval;
    while (!top_is_due(until, interval))
        if (!top_wait(until, -1))
            return false;
    return true;
}

static enum top_end print_samples(struct top *top, const struct command_line *line, struct error *error)
{
    unsigned columns = terminal_width(STDOUT_FILENO);
    for (long i = 0; !line->count || i < line->count; i++) {
        if (i && !sleep_for(line->interval))
            return TOP_QUIT;
        enum sample_status status = top_read(top, error);
        if (status != SAMPLE_OK)
            return status == SAMPLE_GONE && i ? TOP_GONE : TOP_FAILED;
        top_sort(top, TOP_BY_ALIVE);
        print_sample(top, columns ? columns : 500);
        if (ferror(stdout)) {
            error_set(error, "standard output cannot be written");
            return TOP_FAILED;
        }
    }
    return TOP_QUIT;
}

/* ---- the command ------------------------------------------------------------------------------------ */

static int show(pid_t pid, const struct command_line *line)
{
    struct error error = {""};
    enum top_end end = TOP_FAILED;
    struct top *top = top_open(pid, &error);
    top_catch_signals();
    if (top)
        end = line->batch ? print_samples(top, line, &error)
                          : screen_show(top, (int)(line->interval * 1000), &error);
    top_close(top);
    if (end == TOP_GONE)
        cli_message("top: process %d has ended", (int)pid);
    if (end == TOP_FAILED)
        cli_message("top: %s", error.text);
    return end == TOP_FAILED ? STATUS_CANNOT : STATUS_REPORTED;
}

static int run(int argc, char **argv)
{
    struct command_line line = {.interval = 1};
    struct error error = {""};
    pid_t pid = 0;
    size_t count;
    enum command_parsed parsed = command_parse(&command_top, argc, argv, &line);
    if (parsed != COMMAND_PARSED)
        return command_parse_status(parsed);
    if (!line.batch)
        signal(SIGPIPE, SIG_IGN);
    if (!pids_read(&command_top, argc, argv, &pid, 1, &count, &error) ||
        (!count && !(pid = only_watched_process(&error)))) {
        cli_message("top: %s", error.text);
        return STATUS_CANNOT;
    }
    return show(pid, &line);
}

const struct command command_top = {
    .name = "top",
    .summary = "show the threads of a running program in the terminal",
    .run = run,
    .usage = "[OPTIONS] [PID]",
    .about = "Shows where a running program creates threads: how many are alive and unjoined,\n"
             "how fast they become more, how old they are, their CPU time and what they wait\n"
             "for. It does not stop the program. Without PID, it shows the only watched one.\n",
    .after = "Keys: Enter opens a site, s changes the order, / searches, space pauses,\n"
             "h helps, q quits.\n"
             "Exit status: 0 ended by q, a signal, --count, or with the program; 2 failed.\n"
             "\n"
             "  threadleak top 4242\n"
             "  threadleak top --batch --count=10 $(pidof server)\n",
    .options = option_table,
};
