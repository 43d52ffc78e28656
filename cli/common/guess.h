/* "did you mean": the known word that is nearest to a misspelled one. */
#ifndef THREADLEAK_CLI_COMMON_GUESS_H
#define THREADLEAK_CLI_COMMON_GUESS_H

#include <stddef.h>

struct guess {
    const char *word; /* the misspelled one */
    const char *best; /* NULL: none is near */
    size_t distance;  /* of best: letters to change, add or remove */
};

/* Keeps `known` if it is nearer than the best one so far, and at most two letters differ. */
void guess_try(struct guess *guess, const char *known);

/* " (did you mean PREFIXbest)", or "".  Returns `out`. */
const char *guess_text(const struct guess *guess, const char *prefix, char *out, size_t size);

#endif
