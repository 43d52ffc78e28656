#include "cli/common/suppressions.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "cli/common/cli.h"
#include "cli/common/output.h"
#include "leak/generate_rules.h"
#include "base/escape.h"

#define SHIPPED "../share/threadleak/suppressions.d"

/* ---- options ----------------------------------------------------------------------------- */

bool suppression_options_add_file(struct suppression_options *suppressions, const char *path)
{
    return ARRAY_GROW(suppressions->files, suppressions->file_count) &&
           (suppressions->files[suppressions->file_count] = strdup(path)) && ++suppressions->file_count;
}

bool suppression_options_set_file(void *line, const struct command_option *option, const char *value,
                                  struct error *error)
{
    return suppression_options_add_file(command_member(line, option), value) ||
           error_set(error, "out of memory");
}

bool suppression_options_set_generate(void *line, const struct command_option *option, const char *value,
                                      struct error *error)
{
    struct suppression_options *suppressions = command_member(line, option);
    (void)error;
    suppressions->generate_to = value;
    return suppressions->generate = true;
}

/* ---- loading -------------------------------------------------------------------------------- */

/* PREFIX/share/… of PREFIX/bin/threadleak. A build directory has none. */
static bool load_shipped(struct suppressions *suppressions, struct error *error)
{
    char own[PATH_MAX], directory[PATH_MAX + sizeof(SHIPPED)];
    ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
    char *slash = length > 0 ? memrchr(own, '/', (size_t)length) : NULL;
    if (!slash)
        return true;
    snprintf(directory, sizeof(directory), "%.*s/" SHIPPED, (int)(slash - own), own);
    return suppressions_load_directory(suppressions, directory, error);
}

static bool make(struct suppression_options *suppressions, const struct options *options, struct error *error)
{
    suppressions->rules = suppressions_new();
    if (suppressions->rules)
        suppressions_allow_match_all(suppressions->rules, options->allow_match_all);
    else
        error_set(error, "out of memory");
    return suppressions->rules;
}

bool suppression_options_load(struct suppression_options *suppressions, const struct options *options,
                              struct error *error)
{
    if (!make(suppressions, options, error))
        return false;
    if (suppressions->generate && !output_check(suppressions->generate_to, error))
        return error_prefix(error, "--gen-suppressions=");
    struct suppressions *rules = suppressions->rules;
    for (size_t i = 0; i < suppressions->file_count; i++)
        if (!suppressions_load(rules, suppressions->files[i], error))
            /* An error in a rule has the place in the file first. */
            return access(suppressions->files[i], R_OK) != 0 ? error_prefix(error, "--suppressions=") : false;
    return !options->default_suppressions ||
           (load_shipped(rules, error) && suppressions_load_built_in(rules, error));
}

static void message_without(bool loaded, const struct error *error)
{
    if (!loaded)
        cli_message("%s; the report does not use it", error->text);
}

void suppression_options_load_leniently(struct suppression_options *suppressions,
                                        const struct options *options)
{
    struct error error;
    if (!make(suppressions, options, &error))
        return;
    struct suppressions *rules = suppressions->rules;
    for (unsigned i = 0; i < options->suppressions_count; i++)
        message_without(suppressions_load(rules, options->suppressions[i], &error), &error);
    if (!options->default_suppressions)
        return;
    message_without(load_shipped(rules, &error), &error);
    message_without(suppressions_load_built_in(rules, &error), &error);
}

void suppression_options_release(struct suppression_options *suppressions)
{
    for (size_t i = 0; i < suppressions->file_count; i++)
        free(suppressions->files[i]);
    free(suppressions->files);
    suppressions_free(suppressions->rules);
    *suppressions = (struct suppression_options){.files = NULL};
}

/* ---- printing ------------------------------------------------------------------------------------- */

void suppression_options_warn(const struct report *report)
{
    for (size_t i = 0; i < report->process_count; i++)
        if (report->processes[i].program_rules_error)
            cli_message("%s; none of them is used", report->processes[i].program_rules_error);
}

static void print_used(const struct report *report)
{
    if (!report->used_rule_count)
        cli_message("no rule matched a thread");
    else
        cli_message("%zu rule%s matched:", report->used_rule_count, report->used_rule_count == 1 ? "" : "s");
    for (size_t i = 0; i < report->used_rule_count; i++) {
        const struct suppression_rule *rule = report->used_rules[i].rule;
        unsigned long long threads = report->used_rules[i].threads;
        unsigned long long findings = report->used_rules[i].findings;
        if (threads)
            fprintf(stderr, "%8llu thread%s  ", threads, threads == 1 ? " " : "s");
        else
            fprintf(stderr, "%8llu finding%s ", findings, findings == 1 ? " " : "s");
        put_escaped(stderr, rule->label);
        fputs("   (", stderr);
        put_escaped(stderr, rule->source == SUPPRESSION_BUILT_IN ? rule->text : rule->origin);
        if (rule->line)
            fprintf(stderr, ":%u", rule->line);
        fputs(")\n", stderr);
    }
}

static bool is_used(const struct report *report, const struct suppression_rule *rule)
{
    for (size_t i = 0; i < report->used_rule_count; i++)
        if (report->used_rules[i].rule == rule)
            return true;
    return false;
}

static void warn_unused(const struct suppression_options *suppressions, const struct report *report)
{
    for (size_t i = 0; i < suppressions_rule_count(suppressions->rules); i++) {
        const struct suppression_rule *rule = suppressions_rule_at(suppressions->rules, i);
        if (rule->source == SUPPRESSION_USER && !is_used(report, rule))
            cli_message("%s:%u: unused: '%s' matched no thread", rule->origin, rule->line, rule->text);
    }
}

static bool generate(const struct suppression_options *suppressions, const struct report *report,
                     struct error *error)
{
    struct output output;
    if (!output_open(&output, suppressions->generate_to, stderr, error))
        return error_prefix(error, "--gen-suppressions=");
    if (report_rules_print(output.file, report))
        return output_commit(&output, error);
    error_set(error, "the rules could not be written: %s", strerror(errno));
    output_abandon(&output);
    return false;
}

bool suppression_options_print(const struct suppression_options *suppressions, const struct report *report,
                               struct error *error)
{
    suppression_options_warn(report);
    if (suppressions->print)
        print_used(report);
    if (suppressions->warn_unused)
        warn_unused(suppressions, report);
    return !suppressions->generate || generate(suppressions, report, error);
}
