/*
 * What the commands share: exit statuses, messages, numbers, "did you mean".  Only cli/
 * prints and chooses exit statuses.
 */
#ifndef THREADLEAK_CLI_COMMON_CLI_H
#define THREADLEAK_CLI_COMMON_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/guess.h"

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

/* One line on standard error: "threadleak: " and the text, without its newline. */
void cli_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Parses a decimal number from `min` to `max`. False: it is not one. */
bool cli_number(const char *text, long min, long max, long *number);

/* "30s", "5m", "1h", "500ms", "30": seconds.  False: not a duration. */
bool cli_duration(const char *text, double *seconds);

/* " (did you mean PREFIXbest)", or "".  Returns `out`. */
const char *guess_text(const struct guess *guess, const char *prefix, char *out, size_t size);

#endif
