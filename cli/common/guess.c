#include "cli/common/guess.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 40, FARTHEST = 2 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The edit distance of Levenshtein, by one row of its matrix. */
static size_t distance(const char *from, const char *to)
{
    size_t row[LONGEST + 1], width = strlen(to);
    if (width > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; from[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            size_t changed = diagonal + (from[i] != to[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(changed, least(row[j], row[j + 1]) + 1);
        }
    }
    return row[width];
}

void guess_try(struct guess *guess, const char *known)
{
    size_t found = distance(guess->word, known);
    size_t most = guess->best ? guess->distance - 1 : least(FARTHEST, strlen(guess->word) / 2);
    if (found > most)
        return;
    guess->best = known;
    guess->distance = found;
}

const char *guess_text(const struct guess *guess, const char *prefix, char *out, size_t size)
{
    snprintf(out, size, guess->best ? " (did you mean %s%s)" : "", prefix, guess->best);
    return out;
}
