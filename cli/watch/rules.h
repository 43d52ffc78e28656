/* The suppression rules for the sites of one program: the user's, those that are installed or built in, and
 * those that the program registers. */
#ifndef THREADLEAK_CLI_WATCH_RULES_H
#define THREADLEAK_CLI_WATCH_RULES_H

#include "evidence/sample.h"
#include "leak/site_rule.h"

enum { WATCH_MATCHERS = 2 };

struct watch_rules {
    struct suppression_matcher *matchers[WATCH_MATCHERS]; /* NULL: no rules */
    struct suppressions *program;
    uint32_t program_text; /* in the strings of its ledger; 0: none */
    const char *exe;       /* NULL: unknown */
};

/* `rules` must outlive it. False: out of memory; then it has no rules. */
bool watch_rules_begin(struct watch_rules *rules, const struct suppressions *given, const char *exe);
void watch_rules_release(struct watch_rules *rules);

/* Reads the rules that the program registers. True: they are others than those of the sample before. */
bool watch_rules_read(struct watch_rules *rules, const struct sample *sample);

/* The label of the first rule that matches the threads of a site of these kinds; NULL: none. */
const char *watch_rule(const struct watch_rules *rules, const struct site_count *item, unsigned kind);

#endif
