/* How `threadleak diff` prints a comparison. */
#ifndef THREADLEAK_CLI_DIFF_PRINT_H
#define THREADLEAK_CLI_DIFF_PRINT_H

#include <stdio.h>

#include "leak/compare.h"

struct diff_sources {
    const char *name_a, *name_b; /* as on the command line */
    const struct reported *a, *b;
};

/* Text of 80 columns. all: also sites that have fewer threads or are the same. False with errno. */
bool print_diff(FILE *out, const struct comparison *comparison, const struct diff_sources *sources, bool all);
/* One document: schema threadleak/1, type "diff". */
bool print_diff_json(FILE *out, const struct comparison *comparison, const struct diff_sources *sources);

#endif
