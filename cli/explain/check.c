/*
 * The requests of <threadleak.h> in a watched program to `threadleak _explain`:
 *
 *     check PID FD SINCE CALLER rules|quiet|loud|list FUNCTION OPTIONS
 *     dumpto PID FD
 *
 * check: counts the threads that were created after serial SINCE (0: all) and are leaks
 * now; CALLER is not counted.  Writes to FD their number, or '!' and what is wrong with
 * the options.  "rules" only checks the options, and writes 0.  "loud" also writes the
 * report where there are leaks.  "list" also writes to FD the lines of threadleak_list_since.  If
 * FUNCTION is not 0, a line with its source comes before them.  It is a ledger_pc, in decimal.
 * dumpto: reports every live thread to FD.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/common/cli.h"
#include "cli/explain/explain.h"
#include "cli/common/output.h"
#include "base/text.h"
#include "report/report.h"
#include "common/run_protocol.h"

struct check {
    struct explain explain;
    const char *since, *caller, *how, *function, *options;
    char *rules; /* from the options, one a line */
    char problem[sizeof(((struct error *)0)->text) + 2];
};

/* ---- options ----------------------------------------------------------------------- */

/* The name becomes a pattern that matches the whole name. */
static const struct {
    const char *key, *before, *after;
} rule_keys[] = {
    {"ignore", "", ""},           {"ignore_creator", "thread:^", "$"}, {"ignore_start", "start:^", "$"},
    {"ignore_top", "top:^", "$"}, {"ignore_any", "any:^", "$"},        {"ignore_name", "name:^", "$"},
};

/* Can a comment or a condition of a rule begin at this character, or is it a control character? */
static bool divides(const char *at, const char *end)
{
    if ((unsigned char)*at < ' ' || *at == 0x7f)
        return true;
    if (*at != ' ' || at + 1 == end)
        return false;
    const char *word = at + 1;
    while (word < end && *word != ' ' && *word != ':')
        word++;
    return at[1] == '#' || (word < end && *word == ':');
}

/* Replaces the characters of the name that would end the pattern: "worker #1" becomes "worker*#1". */
static void replace_dividers(char *name, size_t length)
{
    for (char *at = name; at < name + length; at++)
        if (divides(at, name + length))
            *at = '*';
}

static const char *take_rule(void *arg, const char *key, const char *value, size_t length)
{
    struct check *check = arg;
    for (size_t i = 0; i < sizeof(rule_keys) / sizeof(*rule_keys); i++) {
        char *grown = NULL;
        if (strcmp(key, rule_keys[i].key) != 0)
            continue;
        const char *rules = check->rules ? check->rules : "", *before = rule_keys[i].before;
        if (asprintf(&grown, "%s%s%.*s%s\n", rules, before, (int)length, value, rule_keys[i].after) < 0)
            return "is too much: out of memory";
        if (*before)
            replace_dividers(grown + strlen(rules) + strlen(before), length);
        free(check->rules);
        check->rules = grown;
        return NULL;
    }
    return options_unknown_key;
}

static void note_problem(void *arg, const char *line)
{
    struct check *check = arg;
    if (!*check->problem)
        snprintf(check->problem, sizeof(check->problem), "!%s", line);
}

/* The files of this check must be readable; others are only reported. */
static void try_files(struct check *check, unsigned first)
{
    const struct options *options = &check->explain.options;
    struct error error;
    for (unsigned i = first; i < options->suppressions_count; i++) {
        struct suppressions *suppressions = suppressions_new();
        if (suppressions && !suppressions_load(suppressions, options->suppressions[i], &error))
            note_problem(check, error.text);
        suppressions_free(suppressions);
    }
}

/* The same for the baseline. */
static void try_baseline(struct check *check, const char *before)
{
    struct error error;
    const char *path = check->explain.options.baseline;
    if (strcmp(path, before) == 0)
        return;
    struct baseline *baseline = baseline_read(path, &error);
    if (!baseline)
        note_problem(check, error.text);
    baseline_free(baseline);
}

/* Reads the options that the shim has checked already, and the rules, which it cannot check. */
static bool read_options(struct check *check)
{
    const struct options_reader reader = {
        .origin = "options", .extra = take_rule, .warn = note_problem, .arg = check};
    struct error error;
    struct explain *explain = &check->explain;
    unsigned before = explain->options.suppressions_count;
    char baseline[OPTIONS_PATH_MAX];
    strcpy(baseline, explain->options.baseline);
    options_read(&explain->options, check->options, &reader);
    try_files(check, before);
    try_baseline(check, baseline);
    if (*check->problem)
        return false;
    suppression_options_load_leniently(&explain->suppressions, &explain->options);
    if (!explain->suppressions.rules)
        note_problem(check, "out of memory");
    else if (check->rules &&
             !suppressions_load_text(explain->suppressions.rules, check->rules, "ignore", &error))
        note_problem(check, error.text);
    return !*check->problem;
}

/* ---- the check ---------------------------------------------------------------------- */

static bool build(struct check *check, struct error *error)
{
    struct explain *explain = &check->explain;
    if (!explain_prepare(explain))
        return false;
    const struct verdict_rules rules = {
        .kinds = explain->options.report,
        .judge_live = true,
        .suppressions = explain->suppressions.rules,
        .find = FIND_DEFAULT,
        .symbolizer = explain->symbolizer,
        .check = true,
        .since = strtoull(check->since, NULL, 10),
        .caller = strtoull(check->caller, NULL, 10),
    };
    if (!explain_judge(explain, &rules, error))
        return false;
    const struct report *report = explain->report;
    if (report->process_count && report->processes[0].program_rules_error)
        note_problem(check, report->processes[0].program_rules_error);
    return true;
}

/* "FILE:LINE" of the test function. */
static void put_function(FILE *out, const struct check *check)
{
    const struct explain *explain = &check->explain;
    ledger_pc pc = strtoull(check->function, NULL, 10);
    const struct frame *frame = pc ? stack_function(explain->ledger, explain->symbolizer, pc) : NULL;
    if (frame && frame->file)
        fprintf(out, "%s:%d", frame->file, frame->line);
    if (pc)
        putc('\n', out);
}

static bool put_lines(const struct check *check, int fd)
{
    struct text_buffer answer;
    if (!text_open(&answer))
        return false;
    fprintf(answer.out, "%llu\n", (unsigned long long)check->explain.report->summary.leaked_threads);
    put_function(answer.out, check);
    bool printed = report_print_lines(answer.out, check->explain.report, LEDGER_ANSWER_MAX - PATH_MAX);
    char *text = text_close(&answer);
    if (!text || !printed) {
        free(text);
        return false;
    }
    output_write_all(fd, text, strnlen(text, LEDGER_ANSWER_MAX - 1));
    free(text);
    return true;
}

/* Without an answer the shim knows that the check failed. */
static int check_process(struct check *check, int fd)
{
    struct explain *explain = &check->explain;
    struct error error = {""};
    char answer[40] = "0\n";
    if (!explain_open(explain, &error))
        return STATUS_CANNOT;
    bool judge = read_options(check) && strcmp(check->how, "rules") != 0;
    if (judge && !build(check, &error))
        return STATUS_CANNOT;
    if (*check->problem) {
        output_write_all(fd, check->problem, strlen(check->problem));
        return STATUS_CANNOT;
    }
    uint64_t leaked = judge ? explain->report->summary.leaked_threads : 0;
    if (leaked && strcmp(check->how, "loud") == 0 && !explain_write(explain))
        cli_message("the report of %llu leaked threads could not be written", (unsigned long long)leaked);
    if (leaked && strcmp(check->how, "list") == 0 && put_lines(check, fd))
        return STATUS_CHECK_LEAKS;
    snprintf(answer, sizeof(answer), "%llu\n", (unsigned long long)leaked);
    output_write_all(fd, answer, strlen(answer));
    return leaked ? STATUS_CHECK_LEAKS : STATUS_REPORTED;
}

/* ---- a dump to a descriptor ------------------------------------------------------------ */

static int dump_process(struct explain *explain)
{
    struct error error = {""};
    explain->dump = true;
    if (!explain_open(explain, &error))
        return STATUS_CANNOT;
    suppression_options_load_leniently(&explain->suppressions, &explain->options);
    if (!explain_prepare(explain))
        return STATUS_CANNOT;
    const struct verdict_rules rules = {.kinds = explain->options.report,
                                        .even_without_threads = true,
                                        .suppressions = explain->suppressions.rules,
                                        .find = FIND_DEFAULT,
                                        .symbolizer = explain->symbolizer};
    if (!explain_judge(explain, &rules, &error))
        return STATUS_CANNOT;
    return explain_write(explain) ? STATUS_REPORTED : STATUS_CANNOT;
}

bool explain_is_question(const char *mode)
{
    return strcmp(mode, "check") == 0 || strcmp(mode, "dumpto") == 0;
}

int explain_question(int argc, char **argv)
{
    struct check check = {.options = ""};
    bool dump = argc == 4 && strcmp(argv[1], "dumpto") == 0;
    long pid, fd;
    if (!(dump || (argc == 9 && strcmp(argv[1], "check") == 0)) || !cli_number(argv[2], 1, INT_MAX, &pid) ||
        !cli_number(argv[3], 0, INT_MAX, &fd))
        return STATUS_CANNOT;
    check.explain.pid = (pid_t)pid;
    int status;
    if (dump) {
        check.explain.has_fd = true;
        check.explain.fd = (int)fd;
        status = dump_process(&check.explain);
    } else {
        check.since = argv[4];
        check.caller = argv[5];
        check.how = argv[6];
        check.function = argv[7];
        check.options = argv[8];
        status = check_process(&check, (int)fd);
    }
    free(check.rules);
    explain_release(&check.explain);
    return status;
}
