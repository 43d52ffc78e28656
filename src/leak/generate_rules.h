/* Suppression rules for the counted groups of a report. */
#ifndef THREADLEAK_LEAK_GENERATE_RULES_H
#define THREADLEAK_LEAK_GENERATE_RULES_H

#include <stdio.h>

#include "leak/model.h"

/*
 * Prints a rule for each counted group, after a comment that describes the group.  Rules name functions
 * (modules, where functions have no names), so that they match after a rebuild.  A rule that matches other
 * groups gets conditions until it does not, if names can distinguish them.  Where a proved finding says why
 * all threads of the group leak, the rule has it as a condition.  Other findings, except notes, get a rule
 * that names their places.  False with errno.
 */
bool report_rules_print(FILE *out, const struct report *report);

#endif
