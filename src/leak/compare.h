/* Two reports, by fingerprint: what is new, gone and grown. Pure. */
#ifndef THREADLEAK_LEAK_COMPARE_H
#define THREADLEAK_LEAK_COMPARE_H

#include "leak/reported.h"

/* In the order in which people want to see them. */
enum change { CHANGE_NEW, CHANGE_GROWN, CHANGE_GONE, CHANGE_FEWER, CHANGE_SAME, CHANGES };
/* "new" … */
const char *change_name(enum change change);

struct compared_site {
    enum change change;
    const struct reported_site *a, *b; /* NULL: not in that report */
};

struct comparison {
    struct compared_site *sites; /* by change, then the larger difference first */
    size_t count;
    size_t numbers[CHANGES];
    bool other_programs; /* none of the programs of A is in B */
};

/* A site has grown if it has more threads, or more places in the source. Both reports must outlive the
 * comparison. False: out of memory. */
bool compare_reported(struct comparison *comparison, const struct reported *a, const struct reported *b);
void comparison_release(struct comparison *comparison);

#endif
