/*
 * One part of a rule: is it true of a creation site, and of a thread of it? Private to suppress/.
 */
#ifndef THREADLEAK_SUPPRESS_CONDITION_H
#define THREADLEAK_SUPPRESS_CONDITION_H

#include "suppress/rule.h"

/* The site whose threads are matched, and a cache of which parts match which current stacks. All zero at the
 * start. A new entry of the cache replaces the one in its slot. */
struct conditions {
    struct suppression_site site;
    struct memo *memos;          /* NULL: not needed yet, or no memory */
    size_t memo_slots, replaced; /* replaced: memos that another one took the slot of */
};
void conditions_release(struct conditions *conditions);

/* Is the part true of every thread of the site, or may it be? */
bool part_matches_site(const struct part *part, const struct suppression_site *site);
/* Is it true of this thread of conditions->site? */
bool part_matches_thread(struct conditions *conditions, const struct part *part,
                         const struct suppression_thread *thread);

#endif
