/* Rules that would have ignored what a report counts. */
#ifndef THREADLEAK_LEAK_GENERATE_RULES_H
#define THREADLEAK_LEAK_GENERATE_RULES_H

#include <stdio.h>

#include "leak/model.h"

/*
 * A rule for each counted group, under a comment that says what it is about: ready for a file of
 * rules, by names of functions (of modules, where those have none), so that it stays true over
 * rebuilds.  A rule that matches other groups too gets conditions until it does not, as far as
 * names go.  False with errno when a write failed, or out of memory.
 */
bool report_rules_print(FILE *out, const struct report *report);

#endif
