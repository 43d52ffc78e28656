#include "cli/run/options.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/common/cli.h"
#include "cli/run/per_process.h"

enum {
    OPT_ERROR_EXITCODE = 256,
    OPT_NO_FOLLOW,
    OPT_DEBUGINFOD,
    OPT_TIMEOUT,
    OPT_NO_STOP,
    OPT_BASELINE,
    OPT_WRITE_BASELINE,
    OPT_REQUIRE_WATCHED,
    OPT_FORMAT,
    OPT_PER_PROCESS,
    OPT_KEY, /* and up: keys[value - OPT_KEY] of THREADLEAK_OPTIONS */
};

static const char *const keys[] = {"report", "judge", "grace_ms", "depth", "signal", "suppressions", "color"};

static const struct option table[] = {
    {"report", required_argument, NULL, OPT_KEY + 0},
    {"judge", required_argument, NULL, OPT_KEY + 1},
    {"grace", required_argument, NULL, OPT_KEY + 2},
    {"depth", required_argument, NULL, OPT_KEY + 3},
    {"signal", required_argument, NULL, OPT_KEY + 4},
    {"suppressions", required_argument, NULL, OPT_KEY + 5},
    {"color", required_argument, NULL, OPT_KEY + 6},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"output", required_argument, NULL, 'o'},
    {"error-exitcode", required_argument, NULL, OPT_ERROR_EXITCODE},
    {"per-process", no_argument, NULL, OPT_PER_PROCESS},
    {"no-follow", no_argument, NULL, OPT_NO_FOLLOW},
    {"debuginfod", no_argument, NULL, OPT_DEBUGINFOD},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"baseline", required_argument, NULL, OPT_BASELINE},
    {"write-baseline", required_argument, NULL, OPT_WRITE_BASELINE},
    {"no-stop", no_argument, NULL, OPT_NO_STOP},
    {"require-watched", no_argument, NULL, OPT_REQUIRE_WATCHED},
    SUPPRESSION_OPTIONS,
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

void run_options_help(void)
{
    fputs("usage: threadleak run [OPTIONS] [--] COMMAND [ARG...]\n"
          "\n"
          "Runs COMMAND and its children under watch and reports the threads that they leaked, once, at the "
          "end.\n"
          "\n",
          stdout);
    printf("  --format=F[:FILE]     %s\n", report_format_names());
    fputs(
        "                        (default text); may be given more than once, each with its FILE or -o\n"
        "  -o, --output=FILE     the report goes there (%p: COMMAND's pid, %h: its name, -: standard "
        "output)\n"
        "  --per-process         a FILE for each process that created a thread: %p is its pid, %h its name\n"
        "  --error-exitcode=N    status when threads leaked and COMMAND ended with 0 (default 66; 0: leave "
        "it)\n"
        "  --report=KINDS        what counts as a leak: running,unjoined,detached\n"
        "  --judge=ENDS          ends that are judged: exit, _exit, quick_exit, exec, signal, all\n"
        "  --grace=MS            how long an end waits for threads still on their way out (default 431)\n"
        "  --depth=N             frames kept of a creation backtrace (default 64)\n"
        "  --signal=SIG          signal that asks for a report of every live thread, or none (default QUIT)\n"
        "  --baseline=FILE       the leaks that it holds do not count, unless there are more of them\n"
        "  --write-baseline=FILE all that leaked goes there, and is accepted\n"
        "  --timeout=DUR         after DUR (30s, 5m, 1h) report every live thread of every process, then "
        "end\n"
        "                        them all; status 124\n"
        "  --no-stop             reports do not say where threads are now\n"
        "  --no-follow           child processes are not watched\n"
        "  --require-watched     status 125 when a program of the tree was not watched\n"
        "  --color=WHEN          auto, always, never\n"
        "  --debuginfod          ask debuginfod servers for missing debug information\n"
        "  -q, --quiet           the summary alone\n"
        "  -v, --verbose         everything, even when nothing leaked\n",
        stdout);
    fputs(suppression_options_help, stdout);
    fputs("\n"
          "Exit status: COMMAND's own where it is not 0; 128+N when signal N ended it; 66 threads leaked;\n"
          "124 timed out; 125 threadleak failed or COMMAND cannot be watched; 126 not executable; 127 not "
          "found.\n"
          "\n"
          "  threadleak run ./app              threadleak run -o leaks.json --format=json -- make check\n",
          stdout);
}

/* Adds key='value' to the text for the shim.  It has no escapes: a value with
 * both kinds of quotes cannot be told. */
static bool pass_on(struct run_options *run, const char *key, const char *value)
{
    char quote = strchr(value, '\'') ? '"' : '\'';
    if (strchr(value, quote)) {
        cli_message("run: %s=%s holds both kinds of quotes", key, value);
        return false;
    }
    char *text;
    const char *before = run->text ? run->text : "";
    if (asprintf(&text, "%s%s%s=%c%s%c", before, *before ? ":" : "", key, quote, value, quote) < 0) {
        cli_message("run: out of memory");
        return false;
    }
    free(run->text);
    run->text = text;
    return true;
}

static bool set_key(struct run_options *run, int option, const char *value)
{
    const char *key = keys[option - OPT_KEY], *name = table[option - OPT_KEY].name;
    const char *problem = options_set(&run->options, key, value, strlen(value));
    if (problem) {
        cli_message("run: --%s=%s %s", name, value, problem);
        return false;
    }
    return pass_on(run, key, value);
}

/* COMMAND may change its working directory before it reads the file.  The shim has
 * room for a few: its own reports, on the dump signal, do without the rest. */
static bool set_suppressions(struct run_options *run, const char *value)
{
    char absolute[PATH_MAX];
    const char *path = realpath(value, absolute) ? absolute : value;
    if (!*value) {
        cli_message("run: --suppressions= is empty");
        return false;
    }
    if (!suppression_options_add_file(&run->suppressions, path)) {
        cli_message("run: out of memory");
        return false;
    }
    return options_set(&run->options, "suppressions", path, strlen(path)) ||
           pass_on(run, "suppressions", path);
}

/* The rules are run's own; the shim's reports follow them. */
static bool take_suppression_option(struct run_options *run, int option)
{
    if (option == OPT_NO_DEFAULT_SUPPRESSIONS)
        return pass_on(run, "default_suppressions", "0");
    return option != OPT_ALLOW_MATCH_ALL || pass_on(run, "allow_match_all", "1");
}

static bool set_option(struct run_options *run, int option)
{
    long number;
    if (suppression_options_take(&run->suppressions, option, optarg))
        return take_suppression_option(run, option);
    switch (option) {
    case 'o':
        return wanted_add_file(&run->outputs, "run", optarg);
    case OPT_FORMAT:
        return wanted_add_format(&run->outputs, "run", optarg);
    case OPT_PER_PROCESS:
        return run->per_process = true;
    case 'q':
        run->verbose = -1;
        return true;
    case 'v':
        run->verbose = 1;
        return true;
    case 'h':
        run->help = true;
        return true;
    case OPT_DEBUGINFOD:
        run->debuginfod = true;
        return true;
    case OPT_TIMEOUT:
        if (cli_duration(optarg, &run->timeout_s))
            return true;
        cli_message("run: --timeout=%s is not a duration such as 30s, 5m or 500ms", optarg);
        return false;
    case OPT_BASELINE:
        run->baseline = optarg;
        return true;
    case OPT_WRITE_BASELINE:
        run->write_baseline = optarg;
        return true;
    case OPT_REQUIRE_WATCHED:
        return run->require_watched = true;
    case OPT_NO_STOP:
        run->options.stacks = false;
        return pass_on(run, "stacks", "0");
    case OPT_NO_FOLLOW:
        run->options.follow = false;
        return pass_on(run, "follow", "0");
    case OPT_ERROR_EXITCODE:
        if (!cli_number(optarg, 0, 255, &number)) {
            cli_message("run: --error-exitcode=%s is not a number from 0 to 255", optarg);
            return false;
        }
        run->leak_status = (int)number;
        return true;
    default:
        return !strcmp(keys[option - OPT_KEY], "suppressions") ? set_suppressions(run, optarg)
                                                               : set_key(run, option, optarg);
    }
}

/* Of the variable; one that is not known is no error, as in the shim. */
static const struct report_format *default_format(const struct run_options *run)
{
    const struct report_format *format = report_format_find(run->options.format);
    if (!format && !run->outputs.count)
        cli_message("run: THREADLEAK_OPTIONS: format=%s: unknown format; use %s", run->options.format,
                    report_format_names());
    return format ? format : &report_text;
}

/* The shim answers dump signals in one format: the first. */
static bool settle_outputs(struct run_options *run)
{
    const char *log = strcmp(run->options.log_path, "stderr") ? run->options.log_path : NULL;
    bool asked_for = run->outputs.count > 0;
    if (!wanted_settle(&run->outputs, "run", default_format(run), log))
        return false;
    if (run->per_process && !per_process_check(&run->outputs))
        return false;
    return !asked_for || pass_on(run, "format", run->outputs.items[0].format->name);
}

/* What the variable says of rules holds for run as well. */
static bool take_variable(struct run_options *run)
{
    run->suppressions.no_defaults = !run->options.default_suppressions;
    run->suppressions.allow_match_all = run->options.allow_match_all;
    for (unsigned i = 0; i < run->options.suppressions_count; i++)
        if (!suppression_options_add_file(&run->suppressions, run->options.suppressions[i])) {
            cli_message("run: out of memory");
            return false;
        }
    return true;
}

bool run_options_parse(struct run_options *run, int argc, char **argv)
{
    memset(run, 0, sizeof(*run));
    options_defaults(&run->options);
    run->options.exitcode = -1; /* tells whether the variable says anything of it */
    /* Each watched process tells what is wrong with the variable. */
    options_parse(&run->options, getenv("THREADLEAK_OPTIONS"), NULL, NULL);
    run->leak_status = run->options.exitcode >= 0 ? run->options.exitcode : STATUS_LEAKS;
    if (!take_variable(run))
        return false;

    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "+:o:qvh", table, NULL)) != -1;) {
        if (option == '?' || option == ':') {
            cli_option_message("run", option, argv, table);
            return false;
        }
        if (!set_option(run, option))
            return false;
    }
    if (run->help)
        return true;
    if (!settle_outputs(run))
        return false;
    /* The status is COMMAND's own until the whole tree has ended. */
    if (run->options.exitcode > 0 && !pass_on(run, "exitcode", "0"))
        return false;
    if (run->require_watched && !run->options.follow) {
        cli_message(
            "run: --require-watched wants all of the tree, --no-follow (follow=0) leaves it unwatched");
        return false;
    }
    run->command = argv + optind;
    if (run->command[0])
        return true;
    cli_message("run: which COMMAND? 'threadleak help run'");
    return false;
}

void run_options_release(struct run_options *run)
{
    free(run->text);
    run->text = NULL;
    suppression_options_release(&run->suppressions);
}
