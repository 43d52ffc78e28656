#include "cli/common/suppressions.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/common/cli.h"
#include "cli/common/output.h"
#include "leak/generate_rules.h"
#include "base/escape.h"

#define SHIPPED "../share/threadleak/suppressions.d"

const char suppressions_help[] =
    "  --suppressions=FILE   rules of what is no leak, one a line, as many files as you like: thread:, "
    "start:,\n"
    "                        name:, module:, top: or any: and a PATTERN; threadleak(1), SUPPRESSIONS\n"
    "  --no-default-suppressions   neither the built-in rules nor those that libraries installed\n"
    "  --print-suppressions  which rules matched, and how many threads\n"
    "  --warn-unused-suppressions  which of the files' rules matched none\n"
    "  --gen-suppressions[=FILE]   a rule for each group that counts, ready for a file of rules\n"
    "  --allow-match-all     rules that match every thread are no error\n";

/* ---- options ----------------------------------------------------------------------------- */

bool suppressions_add_file(struct suppressions *suppressions, const char *path)
{
    char **grown =
        realloc(suppressions->files, (suppressions->file_count + 1) * sizeof(*suppressions->files));
    if (!grown)
        return false;
    suppressions->files = grown;
    return (grown[suppressions->file_count] = strdup(path)) && ++suppressions->file_count;
}

bool suppressions_take(struct suppressions *suppressions, int option, const char *value)
{
    switch (option) {
    case OPT_NO_DEFAULT_SUPPRESSIONS:
        return suppressions->no_defaults = true;
    case OPT_ALLOW_MATCH_ALL:
        return suppressions->allow_match_all = true;
    case OPT_PRINT_SUPPRESSIONS:
        return suppressions->print = true;
    case OPT_WARN_UNUSED_SUPPRESSIONS:
        return suppressions->warn_unused = true;
    case OPT_GEN_SUPPRESSIONS:
        suppressions->generate_to = value;
        return suppressions->generate = true;
    default:
        return false;
    }
}

/* ---- loading -------------------------------------------------------------------------------- */

/* PREFIX/share/… of PREFIX/bin/threadleak; nothing of a build folder. */
static bool load_shipped(struct ignore *ignore, struct error *error)
{
    char own[PATH_MAX], folder[PATH_MAX + sizeof(SHIPPED)];
    ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
    char *slash = length > 0 ? memrchr(own, '/', (size_t)length) : NULL;
    if (!slash)
        return true;
    snprintf(folder, sizeof(folder), "%.*s/" SHIPPED, (int)(slash - own), own);
    return ignore_load_folder(ignore, folder, error);
}

static bool make(struct suppressions *suppressions, struct error *error)
{
    suppressions->ignore = ignore_new();
    if (suppressions->ignore)
        ignore_allow_match_all(suppressions->ignore, suppressions->allow_match_all);
    else
        error_set(error, "out of memory");
    return suppressions->ignore;
}

bool suppressions_load(struct suppressions *suppressions, struct error *error)
{
    if (!make(suppressions, error))
        return false;
    struct ignore *ignore = suppressions->ignore;
    for (size_t i = 0; i < suppressions->file_count; i++)
        if (!ignore_load(ignore, suppressions->files[i], error))
            return false;
    return suppressions->no_defaults || (load_shipped(ignore, error) && ignore_load_built_in(ignore, error));
}

static void say_without(bool loaded, const struct error *error)
{
    if (!loaded)
        cli_say("%s; reporting without it", error->text);
}

void suppressions_load_leniently(struct suppressions *suppressions, const struct options *options)
{
    struct error error;
    suppressions->allow_match_all = options->allow_match_all;
    if (!make(suppressions, &error))
        return;
    struct ignore *ignore = suppressions->ignore;
    for (unsigned i = 0; i < options->suppressions_count; i++)
        say_without(ignore_load(ignore, options->suppressions[i], &error), &error);
    if (!options->default_suppressions)
        return;
    say_without(load_shipped(ignore, &error), &error);
    say_without(ignore_load_built_in(ignore, &error), &error);
}

void suppressions_release(struct suppressions *suppressions)
{
    for (size_t i = 0; i < suppressions->file_count; i++)
        free(suppressions->files[i]);
    free(suppressions->files);
    ignore_free(suppressions->ignore);
    *suppressions = (struct suppressions){.files = NULL};
}

/* ---- telling -------------------------------------------------------------------------------------- */

void suppressions_warn(const struct report *report)
{
    for (size_t i = 0; i < report->process_count; i++)
        if (report->processes[i].own_rules_wrong)
            cli_say("%s; none of them is used", report->processes[i].own_rules_wrong);
}

static void print_used(const struct report *report)
{
    if (!report->used_rule_count)
        cli_say("no rule matched a thread");
    else
        cli_say("%zu rule%s matched:", report->used_rule_count, report->used_rule_count == 1 ? "" : "s");
    for (size_t i = 0; i < report->used_rule_count; i++) {
        const struct ignore_rule *rule = report->used_rules[i].rule;
        unsigned long long threads = report->used_rules[i].threads;
        fprintf(stderr, "%8llu thread%s  ", threads, threads == 1 ? " " : "s");
        put_escaped(stderr, rule->label);
        fputs("   (", stderr);
        put_escaped(stderr, rule->source == IGNORE_BUILT_IN ? rule->text : rule->origin);
        if (rule->line)
            fprintf(stderr, ":%u", rule->line);
        fputs(")\n", stderr);
    }
}

static bool is_used(const struct report *report, const struct ignore_rule *rule)
{
    for (size_t i = 0; i < report->used_rule_count; i++)
        if (report->used_rules[i].rule == rule)
            return true;
    return false;
}

static void warn_unused(const struct suppressions *suppressions, const struct report *report)
{
    for (size_t i = 0; i < ignore_count(suppressions->ignore); i++) {
        const struct ignore_rule *rule = ignore_rule_at(suppressions->ignore, i);
        if (rule->source == IGNORE_USER && !is_used(report, rule))
            cli_say("%s:%u: unused: '%s' matched no thread", rule->origin, rule->line, rule->text);
    }
}

static bool generate(const struct suppressions *suppressions, const struct report *report,
                     struct error *error)
{
    struct output output;
    if (!output_open(&output, suppressions->generate_to, stderr, error))
        return false;
    if (report_rules_print(output.file, report))
        return output_commit(&output, error);
    error_set(error, "the rules could not be written: %s", strerror(errno));
    output_abandon(&output);
    return false;
}

bool suppressions_tell(const struct suppressions *suppressions, const struct report *report,
                       struct error *error)
{
    suppressions_warn(report);
    if (suppressions->print)
        print_used(report);
    if (suppressions->warn_unused)
        warn_unused(suppressions, report);
    return !suppressions->generate || generate(suppressions, report, error);
}
