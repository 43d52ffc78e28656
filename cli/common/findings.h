/* The options --find and --fail-on: which findings are searched for, and which make a command fail. */
#ifndef THREADLEAK_CLI_COMMON_FINDINGS_H
#define THREADLEAK_CLI_COMMON_FINDINGS_H

#include "cli/common/command.h"
#include "find/find.h"
#include "leak/model.h"
#include "reach/reach.h"

struct finding_options {
    unsigned find; /* for findings_find(); FIND_DEFAULT without --find */
    /* The least level at which a finding of a code fails, plus 1; 0: never. */
    unsigned char fail_on[FINDING_CODES];
};

/* Rows of an option table.  `line`: the struct that the command parses into, with a member `findings`, which
 * is FIND_DEFAULT at first. */
// clang-format off
#define FINDING_OPTIONS(line, fail_help) \
    {.name = "fail-on", .argument = "CODES", .set = finding_options_set_fail_on, \
     .offset = offsetof(line, findings), .words = finding_words_fail_on, .help = fail_help}, \
    {.name = "find", .argument = "CODES", .set = finding_options_set_find, \
     .offset = offsetof(line, findings), .words = finding_words_find, \
     .help = "findings to search for: default, all (whatever memory that needs), none, or a list of codes"}
// clang-format on
command_set_fn finding_options_set_fail_on, finding_options_set_find;

/* How much memory to search for `find`; by_default: without FIND_UNLIMITED. */
enum reach_limit finding_reach(unsigned find, enum reach_limit by_default);

/* Call it after the last option. False: error has what contradicts. */
bool finding_options_check(const struct finding_options *options, struct error *error);

/* Call it after report_finish. Marks the findings that fail, and counts them in the summary; suppressed ones
 * do not fail. */
void finding_options_mark(const struct finding_options *options, struct report *report);

#endif
