/* The words of lists in rules: waiting:mutex,poll. Private to suppress/. */
#ifndef THREADLEAK_SUPPRESS_WORDS_H
#define THREADLEAK_SUPPRESS_WORDS_H

#include <stddef.h>

/* The words first to end - 1. Word `at` sets bit `at`. */
struct words {
    const char *what; /* as messages call one */
    unsigned first, end;
    const char *(*word)(unsigned at);
};
extern const struct words words_of_waits, words_of_kinds, words_of_findings;

/* Sets the bits of the words in a list that commas separate. Returns the first unknown word, with the message
 * in `why`; NULL: all are known. */
const char *words_unknown(const struct words *words, const char *list, const char *end, unsigned *bits,
                          char *why, size_t size);

#endif
