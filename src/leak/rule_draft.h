/* A suppression rule that is being made from the names of a report. */
#ifndef THREADLEAK_LEAK_RULE_DRAFT_H
#define THREADLEAK_LEAK_RULE_DRAFT_H

#include <stdbool.h>
#include <stddef.h>

#include "leak/model.h"

#define DRAFT_PATTERN_MAX 200 /* bytes of a name; a longer one is cut and ends in a star */
#define DRAFT_RULE_MAX 3000   /* no more conditions then */

struct draft {
    const struct report *report;
    const struct process_report *process;
    const struct leak_group *group;
    const struct finding *finding;                     /* why the threads leak; NULL: not known */
    char text[DRAFT_RULE_MAX + 2 * DRAFT_PATTERN_MAX]; /* without its kind */
    size_t conditions;
};

/* Adds TYPE:^NAME$. False: the name is NULL or only stars, the rule already has this part, or it is too long.
 */
bool draft_add(struct draft *draft, const char *type, const char *name);
/* Adds a frame in the form in which reports print a function without a name. It is valid until the next
 * build. False: as above, or the frame has no module. */
bool draft_add_place(struct draft *draft, const char *type, const struct frame *frame);

#endif
