/* The suppression rules of a command: their sources, and messages about them. */
#ifndef THREADLEAK_CLI_COMMON_SUPPRESSIONS_H
#define THREADLEAK_CLI_COMMON_SUPPRESSIONS_H

#include "suppress/suppress.h"
#include "leak/model.h"
#include "cli/common/command.h"
#include "common/options.h"

struct suppression_options {
    char **files;
    size_t file_count;
    bool print, warn_unused, generate;
    const char *generate_to; /* NULL: standard error */
    struct suppressions *rules;
};

/* Rows of an option table.  `line`: the struct that the command parses into, with members `options` and
 * `suppressions`; key_setter: for the options that are keys of THREADLEAK_OPTIONS. SUPPRESSION_SOURCES:
 * without those about what is printed. SUPPRESSION_FILE: the option --suppressions of a command that has no
 * other use of it. */
// clang-format off
#define SUPPRESSION_FILE(line) \
    {.name = "suppressions", .argument = "FILE", .key = "suppressions", .set = suppression_options_set_file, \
     .offset = offsetof(line, suppressions)}
#define SUPPRESSION_SOURCES(line, key_setter) \
    {.name = "no-default-suppressions", .key = "default_suppressions", .key_value = "0", .set = key_setter, \
     .offset = offsetof(line, options), .help = "use neither the built-in rules nor installed ones"}, \
    {.name = "allow-match-all", .key = "allow_match_all", .key_value = "1", .set = key_setter, \
     .offset = offsetof(line, options), .help = "accept rules that match every thread"}
#define SUPPRESSION_OPTIONS(line, key_setter) \
    SUPPRESSION_SOURCES(line, key_setter), \
    {.name = "print-suppressions", .set = command_set_flag, .offset = offsetof(line, suppressions.print), \
     .help = "list the rules that matched, with their numbers of threads"}, \
    {.name = "warn-unused-suppressions", .set = command_set_flag, \
     .offset = offsetof(line, suppressions.warn_unused), .help = "list the rules of files that matched nothing"}, \
    {.name = "gen-suppressions", .argument = "[FILE]", .set = suppression_options_set_generate, \
     .offset = offsetof(line, suppressions), .help = "write a rule for each group that counts"}
// clang-format on
command_set_fn suppression_options_set_file, suppression_options_set_generate;

/* False: out of memory. */
bool suppression_options_add_file(struct suppression_options *suppressions, const char *path);
/* Loads all files, and the installed and built-in rules unless `options` turn them off. Checks that the file
 * of
 * --gen-suppressions can be written. False: error names file, line and column. */
bool suppression_options_load(struct suppression_options *suppressions, const struct options *options,
                              struct error *error);
/* Loads the files of `options`. Prints a message for each wrong file, and loads the others. */
void suppression_options_load_leniently(struct suppression_options *suppressions,
                                        const struct options *options);

/* Prints a warning for each invalid set of rules that a program registers. */
void suppression_options_warn(const struct report *report);
/* Prints on standard error what the options request. False: the file of --gen-suppressions could not be
 * written. */
bool suppression_options_print(const struct suppression_options *suppressions, const struct report *report,
                               struct error *error);
void suppression_options_release(struct suppression_options *suppressions);

#endif
