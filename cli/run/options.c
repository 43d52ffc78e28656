#include "cli/run/options.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/common/cli.h"
#include "cli/run/per_process.h"

/* Adds key='value' to the text for the shim.  It has no escapes, so a value cannot hold both kinds of
 * quotes. */
static bool pass_on(struct run_options *run, const char *key, const char *value, struct error *error)
{
    char quote = strchr(value, '\'') ? '"' : '\'';
    if (strchr(value, quote))
        return error_set(error, "%s=%s has both kinds of quotes; use one kind", key, value);
    char *text;
    const char *before = run->text ? run->text : "";
    if (asprintf(&text, "%s%s%s=%c%s%c", before, *before ? ":" : "", key, quote, value, quote) < 0)
        return error_set(error, "out of memory");
    free(run->text);
    run->text = text;
    return true;
}

/* ---- functions that set an option ------------------------------------------------- */

/* Sets the option, and passes it to the shim. */
static bool set_key(void *line, const struct command_option *option, const char *value, struct error *error)
{
    return command_set_key(line, option, value, error) &&
           pass_on(line, option->key, value ? value : option->key_value, error);
}

/* The path is absolute, because COMMAND may change its working directory. The shim stores four files, and
 * ignores the others in its own reports. */
static bool set_suppressions(void *line, const struct command_option *option, const char *value,
                             struct error *error)
{
    struct run_options *run = line;
    char absolute[PATH_MAX];
    const char *path = realpath(value, absolute) ? absolute : value;
    (void)option;
    if (!*value)
        return error_set(error, "--suppressions= is empty; give a file");
    if (!suppression_options_add_file(&run->suppressions, path))
        return error_set(error, "out of memory");
    return options_set(&run->options, "suppressions", path, strlen(path)) ||
           pass_on(run, "suppressions", path, error);
}

/* Checks inside COMMAND read it too. */
static bool set_baseline(void *line, const struct command_option *option, const char *value,
                         struct error *error)
{
    struct run_options *run = line;
    char absolute[PATH_MAX];
    const char *path = realpath(value, absolute) ? absolute : value;
    const char *problem = *value ? options_set(&run->options, "baseline", path, strlen(path)) : "is empty";
    (void)option;
    if (problem)
        return error_set(error, "--baseline=%s %s", value, problem);
    return pass_on(run, "baseline", path, error);
}

static bool set_repeat(void *line, const struct command_option *option, const char *value,
                       struct error *error)
{
    long number;
    (void)option;
    if (!cli_number(value, 1, 1000000, &number))
        return error_set(error, "--repeat=%s is not a number from 1 to 1000000", value);
    ((struct run_options *)line)->repeat = (unsigned)number;
    return true;
}

/* Each run gets its own seed, so the shim gets it from cmd_run.c. */
static bool set_shake(void *line, const struct command_option *option, const char *value, struct error *error)
{
    long number = 1;
    (void)option;
    if (value && !cli_number(value, 1, 1000000000 - 1000000, &number))
        return error_set(error, "--shake=%s is not a number from 1 to 999000000", value);
    ((struct run_options *)line)->shake = (unsigned)number;
    return true;
}

static bool set_exitcode(void *line, const struct command_option *option, const char *value,
                         struct error *error)
{
    long number;
    (void)option;
    if (!cli_number(value, 0, 255, &number))
        return error_set(error, "--error-exitcode=%s is not a number from 0 to 255", value);
    ((struct run_options *)line)->leak_status = (int)number;
    return true;
}

/* ---- the table ------------------------------------------------------------------------ */

#define MEMBER(name) offsetof(struct run_options, name)
#define KEY(option, argument_name, key_name)                                        \
    {                                                                               \
        .name = option, .argument = argument_name, .key = key_name, .set = set_key, \
        .offset = MEMBER(options)                                                   \
    }
#define KEY_VALUE(option, key_name, fixed, text)                                           \
    {                                                                                      \
        .name = option, .key = key_name, .key_value = fixed, .help = text, .set = set_key, \
        .offset = MEMBER(options)                                                          \
    }

const struct command_option run_option_table[] = {
    OUTPUT_OPTIONS(struct run_options, "standard error",
                   "write the report to FILE; %p: COMMAND's pid, %h: its name, -: standard output"),
    COMMAND_FLAG("per-process", per_process,
                 "write one file for each process that created a thread; %p: its pid, %h: its name"),
    {.name = "error-exitcode",
     .argument = "N",
     .key = "exitcode",
     .set = set_exitcode,
     .initial = "66",
     .help = "exit status when threads leaked and COMMAND's own was 0; 0: unchanged"},
    FINDING_OPTIONS(struct run_options,
                    "exit as for a leak when a finding CODE[:LEVEL],... exists; LEVEL: proved, "
                    "likely or note, default proved; CODE: see threadleak help findings, or all"),
    KEY("report", "KINDS", "report"),
    KEY("judge", "ENDS", "judge"),
    KEY("grace", "MS", "grace_ms"),
    KEY("depth", "N", "depth"),
    KEY("signal", "SIG", "signal"),
    {.name = "baseline", .argument = "FILE", .key = "baseline", .set = set_baseline},
    {.name = "write-baseline",
     .argument = "FILE",
     .set = command_set_text,
     .offset = MEMBER(write_baseline),
     .help = "write all leaks to FILE, and accept them"},
    {.name = "timeout",
     .argument = "DUR",
     .set = command_set_duration,
     .offset = MEMBER(timeout_s),
     .help =
         "after DUR (30s, 5m, 1h) report every live thread of every process, then end them all; status 124"},
    {.name = "repeat",
     .argument = "N",
     .set = set_repeat,
     .help = "run COMMAND N times, and report each distinct leak once"},
    {.name = "shake",
     .argument = "[SEED]",
     .key = "shake",
     .initial = "1",
     .set = set_shake,
     .help = "pause threads at random points, to provoke rare leaks; the n-th run uses SEED+n-1"},
    KEY_VALUE(
        "wakes", "wakes", "1",
        "record who notifies condition variables and semaphores, for lost-wakeup; --shake pauses there, too"),
    KEY_VALUE("no-stop", "stacks", "0", "no current stacks in reports, and no thread is stopped"),
    KEY_VALUE("no-follow", "follow", "0", "do not watch child processes"),
    COMMAND_FLAG("require-watched", require_watched,
                 "exit with 125 when a program of the tree was not watched"),
    KEY("color", "WHEN", "color"),
    COMMAND_FLAG("debuginfod", debuginfod, "ask debuginfod servers for missing debug information"),
    {.name = "suppressions", .argument = "FILE", .key = "suppressions", .set = set_suppressions},
    SUPPRESSION_OPTIONS(struct run_options, set_key),
    VERBOSE_OPTIONS(struct run_options, "print everything, even when nothing leaked"),
    {.name = NULL},
};

/* ---- all of it ---------------------------------------------------------------------------- */

/* The format from the variable. As in the shim, an unknown one is no error. */
static const struct report_format *default_format(const struct run_options *run)
{
    const struct report_format *format = report_format_find(run->options.format);
    return format ? format : &report_text;
}

/* The shim answers dump signals in the first format only. */
static bool complete_outputs(struct run_options *run, struct error *error)
{
    const char *log = strcmp(run->options.log_path, "stderr") ? run->options.log_path : NULL;
    bool asked_for = run->outputs.count > 0;
    if (!wanted_complete(&run->outputs, "/dev/stderr", default_format(run), log, error))
        return false;
    if (!wanted_spares(&run->outputs, "--write-baseline", run->write_baseline, error) ||
        !wanted_spares(&run->outputs, "--gen-suppressions", run->suppressions.generate_to, error))
        return false;
    if (run->per_process && !per_process_check(&run->outputs, error))
        return false;
    return !asked_for || pass_on(run, "format", run->outputs.items[0].format->name, error);
}

static bool add_files_of_variable(struct run_options *run, struct error *error)
{
    for (unsigned i = 0; i < run->options.suppressions_count; i++)
        if (!suppression_options_add_file(&run->suppressions, run->options.suppressions[i]))
            return error_set(error, "out of memory");
    return true;
}

static bool complete(struct run_options *run, struct error *error)
{
    if (!complete_outputs(run, error))
        return false;
    /* The status is COMMAND's own until the whole tree has ended. */
    if (run->options.exitcode > 0 && !pass_on(run, "exitcode", "0", error))
        return false;
    if (run->require_watched && !run->options.follow)
        return error_set(error, "--require-watched cannot be used with --no-follow (follow=0)");
    if (!finding_options_check(&run->findings, error))
        return false;
    if (!run->command[0])
        error_set(error, "no command given; see 'threadleak help run'");
    return run->command[0];
}

enum command_parsed run_options_parse(const struct command *command, struct run_options *run, int argc,
                                      char **argv)
{
    struct error error = {""};
    memset(run, 0, sizeof(*run));
    options_defaults(&run->options);
    run->findings.find = FIND_DEFAULT;
    run->options.exitcode = -1; /* unless the variable sets it */
    /* Each watched process reports what is wrong with the variable. */
    options_parse(&run->options, getenv("THREADLEAK_OPTIONS"), NULL, NULL);
    run->leak_status = run->options.exitcode >= 0 ? run->options.exitcode : STATUS_LEAKS;
    if (add_files_of_variable(run, &error)) {
        enum command_parsed parsed = command_parse(command, argc, argv, run);
        run->command = argv + optind;
        if (parsed != COMMAND_PARSED || complete(run, &error))
            return parsed;
    }
    cli_message("run: %s", error.text);
    return COMMAND_WRONG;
}

void run_options_release(struct run_options *run)
{
    free(run->text);
    run->text = NULL;
    suppression_options_release(&run->suppressions);
}
