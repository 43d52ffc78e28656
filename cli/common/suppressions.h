/* Rules of what is no leak: where they come from, and what the user wants to know of them. */
#ifndef THREADLEAK_CLI_COMMON_SUPPRESSIONS_H
#define THREADLEAK_CLI_COMMON_SUPPRESSIONS_H

#include "suppress/suppress.h"
#include "leak/model.h"
#include "common/options.h"

struct suppression_options {
    char **files;
    size_t file_count;
    bool no_defaults, allow_match_all, print, warn_unused, generate;
    const char *generate_to; /* NULL: standard error */
    struct suppressions *rules;
};

/* Rows of a getopt_long table, for both run and report. */
enum {
    OPT_NO_DEFAULT_SUPPRESSIONS = 2000,
    OPT_ALLOW_MATCH_ALL,
    OPT_PRINT_SUPPRESSIONS,
    OPT_WARN_UNUSED_SUPPRESSIONS,
    OPT_GEN_SUPPRESSIONS,
};
// clang-format off
#define SUPPRESSION_OPTIONS \
    {"no-default-suppressions", no_argument, NULL, OPT_NO_DEFAULT_SUPPRESSIONS}, \
    {"allow-match-all", no_argument, NULL, OPT_ALLOW_MATCH_ALL}, \
    {"print-suppressions", no_argument, NULL, OPT_PRINT_SUPPRESSIONS}, \
    {"warn-unused-suppressions", no_argument, NULL, OPT_WARN_UNUSED_SUPPRESSIONS}, \
    {"gen-suppressions", optional_argument, NULL, OPT_GEN_SUPPRESSIONS}
// clang-format on
extern const char suppression_options_help[];

/* False: out of memory. */
bool suppression_options_add_file(struct suppression_options *suppressions, const char *path);
/* Is it one of the options above?  It is then set; value: optarg. */
bool suppression_options_take(struct suppression_options *suppressions, int option, const char *value);

/* All files, the shipped ones and the built-in rules.  False: error names file, line and column. */
bool suppression_options_load(struct suppression_options *suppressions, struct error *error);
/* As the shim's options have it: what is wrong is told in a line, and the rest loaded. */
void suppression_options_load_leniently(struct suppression_options *suppressions,
                                        const struct options *options);

/* Rules that programs bring and that are wrong: a warning for each. */
void suppression_options_warn(const struct report *report);
/* What was asked for, on standard error.  False: the file of --gen-suppressions could not be written. */
bool suppression_options_tell(const struct suppression_options *suppressions, const struct report *report,
                              struct error *error);
void suppression_options_release(struct suppression_options *suppressions);

#endif
