/* "did you mean": finds the known word that is nearest to a misspelled one. */
#ifndef THREADLEAK_COMMON_GUESS_H
#define THREADLEAK_COMMON_GUESS_H

#include <stdbool.h>
#include <string.h>

#include "common/slice.h"

struct guess {
    struct slice word; /* the misspelled one */
    const char *best;  /* NULL: no near word */
    size_t distance;   /* letters of best to change, add or remove */
};

/* Keeps `known` if it is nearer than the best one so far, and at most two letters differ, or if the word is
 * its beginning. Makes no system call, so the shim may use it. */
void guess_try(struct guess *guess, const char *known);

#endif
