/*
 * What the commands share: the table's row, exit statuses, how to speak to the
 * user.  Only cli/ prints and chooses exit statuses.
 */
#ifndef THREADLEAK_CLI_COMMON_CLI_H
#define THREADLEAK_CLI_COMMON_CLI_H

#include <stdbool.h>
#include <stdio.h>

enum {
    /* run: COMMAND's own status where it is not 0, 128 + N for signal N, else these */
    STATUS_LEAKS = 66,
    STATUS_TIMED_OUT = 124,
    STATUS_FAILED = 125, /* threadleak itself failed, or COMMAND cannot be watched */
    STATUS_NOT_EXECUTABLE = 126,
    STATUS_NOT_FOUND = 127,
    /* report, and usage errors outside of run */
    STATUS_REPORTED = 0,
    STATUS_CHECK_LEAKS = 1,
    STATUS_CANNOT = 2,
};

/* argv[0] is the command's name.  Every command answers --help by itself, on
 * standard output; `help COMMAND` is made of that. */
struct command {
    const char *name;
    const char *summary; /* one line for --help */
    bool hidden;
    int (*run)(int argc, char **argv);
};

int cmd_run(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_selftest(int argc, char **argv);
int cmd_plant(int argc, char **argv);

/* One line on standard error: "threadleak: " and the text, without its newline. */
void cli_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says which option getopt_long did not like (it returned `result`, '?' or ':';
 * opterr is 0 and the option string begins with "+:" or ":").  `usage` names
 * the command: "run". */
struct option;
void cli_option_message(const char *usage, int result, char **argv, const struct option *options);

/* Reads a whole decimal number from `min` to `max`; false when it is not one. */
bool cli_number(const char *text, long min, long max, long *number);

/* "30s", "5m", "1h", "500ms", "30": seconds.  False: not a duration. */
bool cli_duration(const char *text, double *seconds);

#endif
