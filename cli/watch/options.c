#include "cli/watch/options.h"

#include <limits.h>
#include <string.h>

#include "cli/common/cli.h"
#include "series/series.h"

static bool set_count(void *line, const struct command_option *option, const char *value, struct error *error)
{
    long number;
    if (!cli_number(value, 1, INT_MAX, &number))
        return error_set(error, "--%s=%s is not a number of 1 or more", option->name, value);
    *(uint64_t *)command_member(line, option) = (uint64_t)number;
    return true;
}

static bool set_rises(void *line, const struct command_option *option, const char *value, struct error *error)
{
    long number;
    (void)option;
    if (!cli_number(value, 2, SERIES_KEPT - 1, &number))
        return error_set(error, "--samples=%s is not a number from 2 to %d", value, SERIES_KEPT - 1);
    ((struct watch_options *)line)->rises = (unsigned)number;
    return true;
}

static bool set_format(void *line, const struct command_option *option, const char *value,
                       struct error *error)
{
    bool json = strcmp(value, "json") == 0;
    (void)option;
    ((struct watch_options *)line)->json = json;
    if (json || strcmp(value, "text") == 0)
        return true;
    return error_set(error, "--format=%s: unknown format; use text or json", value);
}

#define MEMBER(name) offsetof(struct watch_options, name)
// clang-format off
#define DURATION(option, member, start, text) \
    {.name = option, .argument = "TIME", .set = command_set_duration, .offset = MEMBER(member), .initial = start, .help = text}
#define COUNT(option, member, text) \
    {.name = option, .argument = "N", .set = set_count, .offset = MEMBER(member), .help = text}
#define TEXT(option, value, member, text) \
    {.name = option, .argument = value, .set = command_set_text, .offset = MEMBER(member), .help = text}
// clang-format on

const struct command_option watch_option_table[] = {
    {.name = "interval",
     .argument = "TIME",
     .initial = "1s",
     .set = command_set_interval,
     .offset = MEMBER(interval_s),
     .help = "time between two samples: 500ms, 5s, 1m"},
    DURATION("for", for_s, NULL, "stop after this time"),
    TEXT("name", "NAME", name, "watch the processes of this name, also those that start later"),
    TEXT("exe", "PATH", exe, "watch the processes of this executable, also those that start later"),
    {.name = "samples",
     .argument = "N",
     .set = set_rises,
     .initial = "4, or 8 for slow growth",
     .help = "how many kept samples must rise one after the other"},
    COUNT("alive", alive, "also report a site with more than N threads alive"),
    COUNT("unjoined", unjoined, "also report a site with more than N unjoined threads"),
    DURATION("waiting", waiting_s, NULL,
             "also report a site with a thread that has waited, or been unjoined, longer"),
    TEXT("on-leak", "CMD", on_leak,
         "run CMD once for each reported site; no shell; its standard input is the report"),
    SUPPRESSION_FILE(struct watch_options),
    SUPPRESSION_SOURCES(struct watch_options, command_set_key),
    COMMAND_FLAG("check", check, "exit with 66 when a site grows, or is above a threshold"),
    {.name = "format",
     .argument = "FORMAT",
     .set = set_format,
     .initial = "text",
     .words = "text json",
     .help = "print text, or json: one object a line for each sample"},
    COMMAND_FLAG("no-live", no_live, "print no status lines on a terminal"),
    {.name = NULL},
};

bool watch_options_complete(struct watch_options *options, struct error *error)
{
    if (options->on_leak && !options->on_leak[strspn(options->on_leak, " \t\n")])
        return error_set(error, "--on-leak needs a command, as --on-leak=CMD");
    if ((options->name && !*options->name) || (options->exe && !*options->exe))
        return error_set(error, "--%s= is empty; see 'threadleak help watch'",
                         options->exe && !*options->exe ? "exe" : "name");
    if (!options->pid_count && !options->name && !options->exe)
        return error_set(error, "give a PID, --name or --exe; see 'threadleak help watch'");
    return suppression_options_load(&options->suppressions, &options->options, error);
}
