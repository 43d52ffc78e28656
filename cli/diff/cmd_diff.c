/*
 * `threadleak diff [OPTIONS] A B`: which creation sites have new, more, fewer or no threads in B.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/shim.h"
#include "cli/common/cli.h"
#include "cli/common/command.h"
#include "cli/common/target.h"
#include "cli/diff/print.h"
#include "report/report.h"

enum { REPORT_MAX = 1 << 30 }; /* bytes of a JSON report */

struct command_line {
    const char *a, *b;
    bool check, all, json;
};

/* ---- the command line ------------------------------------------------------------------------- */

static bool set_format(void *line, const struct command_option *option, const char *value,
                       struct error *error)
{
    bool json = strcmp(value, "json") == 0;
    (void)option;
    ((struct command_line *)line)->json = json;
    if (json || strcmp(value, "text") == 0)
        return true;
    return error_set(error, "--format=%s: unknown format; use text or json", value);
}

#define MEMBER(name) offsetof(struct command_line, name)

static const struct command_option option_table[] = {
    COMMAND_FLAG("check", check, "exit with 1 when a site is new or has grown"),
    {.name = "format",
     .argument = "FORMAT",
     .set = set_format,
     .initial = "text",
     .words = "text json",
     .help = "print text or json"},
    COMMAND_FLAG("all", all, "print also sites with fewer threads, and unchanged ones"),
    {.name = NULL},
};

/* ---- A and B ------------------------------------------------------------------------------------- */

/* The text of a file that is a report in JSON; NULL without an error: it is something else. */
static char *read_json(const char *path, size_t *length, struct error *error)
{
    struct stat status;
    char beginning[64];
    int fd = regular_file_open(path, &status);
    if (fd < 0)
        return NULL;
    char *text = NULL;
    size_t n = pread_all(fd, 0, beginning, sizeof(beginning));
    if (reported_is_json(beginning, n)) {
        text = read_all(fd, REPORT_MAX, length);
        if (!text)
            error_set(error, "%s: cannot be read: %s", path, strerror(errno));
    } else if (n == 0) {
        error_set(error, "%s is empty; make a report with --format=json", path);
    }
    close(fd);
    return text;
}

/* The report of a process or a ledger, as JSON. Nothing is stopped. */
static char *make_json(const char *target, size_t *length, struct error *error)
{
    struct options options;
    struct text_buffer buffer;
    char *text = NULL;
    options_defaults(&options);
    struct report_target job = {
        .options = &options, .no_stop = true, .symbolizer = symbolizer_new(false), .report = report_new()};
    FILE *out = job.symbolizer && job.report ? text_open(&buffer) : NULL;
    if (!out) {
        error_set(error, "out of memory");
    } else {
        bool added = report_target_add(&job, target);
        report_finish(job.report);
        bool printed = added && report_json.print(out, job.report, &(struct report_style){.verbose = 0});
        text = text_close(&buffer);
        if (!added)
            *error = job.error;
        else if (!printed || !text)
            error_set(error, "out of memory");
        if (text)
            *length = strlen(text);
        if (!printed) {
            free(text);
            text = NULL;
        }
    }
    report_free(job.report);
    symbolizer_free(job.symbolizer);
    return text;
}

static bool read_side(const char *target, struct reported *reported, struct error *error)
{
    size_t length = 0;
    struct error why = {""};
    char *text = read_json(target, &length, &why);
    if (!text && !*why.text)
        text = make_json(target, &length, &why);
    bool done = text && reported_read(reported, text, length, target, &why);
    free(text);
    if (done && reported->processes && reported->unwatched == reported->processes) {
        reported_release(reported);
        done = error_set(&why,
                         "%s is not watched, so its creation sites are unknown; start it with "
                         "threadleak run or %s",
                         target, shim_preload((char[SHIM_PRELOAD_MAX]){0}));
    }
    if (!done)
        *error = why;
    return done;
}

/* ---- all of it --------------------------------------------------------------------------------------- */

static int compare(const struct command_line *line, const struct reported *a, const struct reported *b)
{
    struct comparison comparison;
    if (!compare_reported(&comparison, a, b)) {
        cli_message("diff: out of memory");
        return STATUS_CANNOT;
    }
    if (comparison.other_programs)
        cli_message("diff: %s is of %s, and %s of %s: different programs, so no site is in both", line->a,
                    a->programs[0], line->b, b->programs[0]);
    bool worse = comparison.numbers[CHANGE_NEW] || comparison.numbers[CHANGE_GROWN];
    int status = line->check && worse ? STATUS_CHECK_LEAKS : STATUS_REPORTED;
    const struct diff_sources sources = {line->a, line->b, a, b};
    if (!(line->json ? print_diff_json(stdout, &comparison, &sources)
                     : print_diff(stdout, &comparison, &sources, line->all))) {
        cli_message("diff: the result could not be written: %s", strerror(errno));
        status = STATUS_CANNOT;
    }
    comparison_release(&comparison);
    return status;
}

static int diff(const struct command_line *line)
{
    struct reported a, b;
    struct error error;
    int status = STATUS_CANNOT;
    if (!read_side(line->a, &a, &error)) {
        cli_message("diff: %s", error.text);
        return status;
    }
    if (read_side(line->b, &b, &error)) {
        status = compare(line, &a, &b);
        reported_release(&b);
    } else {
        cli_message("diff: %s", error.text);
    }
    reported_release(&a);
    return status;
}

static int run(int argc, char **argv)
{
    struct command_line line = {.a = NULL};
    enum command_parsed parsed = command_parse(&command_diff, argc, argv, &line);
    if (parsed != COMMAND_PARSED)
        return command_parse_status(parsed);
    if (optind + 2 != argc) {
        cli_message("diff: give two reports, ledgers or PIDs, not %d; see 'threadleak help diff'",
                    argc - optind);
        return STATUS_CANNOT;
    }
    line.a = argv[optind];
    line.b = argv[optind + 1];
    return diff(&line);
}

const struct command command_diff = {
    .name = "diff",
    .summary = "compare two reports, or a report and a live process",
    .run = run,
    .usage = "[OPTIONS] A B",
    .about = "Compares the threads that are alive or unjoined in A and B, by the fingerprints\n"
             "of their creation sites: what is new, has grown, and is gone in B. A and B: a\n"
             "report in JSON, a live process by PID or name, a ledger, the directory of a run,\n"
             "or a core file. No process is stopped.\n",
    .options = option_table,
    .after = "Exit status: 0 compared; 1 new or grown, with --check; 2 failed.\n"
             "\n"
             "  threadleak report --format=json -o monday.json 4242\n"
             "  threadleak diff --check monday.json 4242\n",
};
