/* Suppression rules for the sites of site_counts.h, of which no report is made. Pure. */
#ifndef THREADLEAK_LEAK_SITE_RULE_H
#define THREADLEAK_LEAK_SITE_RULE_H

#include "leak/site_counts.h"
#include "suppress/suppress.h"

/*
 * The first rule that matches all threads of a site because of where they were created, or NULL. kind: a
 * KIND_* of options.h, of the threads that are meant. findings: 1u << enum finding_code of what was found of
 * them. Rules about facts of one thread, such as its name or its current stack, never match.
 */
const struct suppression_rule *site_rule(struct suppression_matcher *matcher, const struct site_count *item,
                                         unsigned kind, const char *exe, unsigned findings);

#endif
