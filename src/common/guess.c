#include "common/guess.h"

#include <stdint.h>

enum { LONGEST = 40, FARTHEST = 2, BEGINNING_MIN = 3 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The edit distance of Levenshtein, by one row of its matrix. */
static size_t distance(struct slice from, const char *to)
{
    size_t row[LONGEST + 1], width = strlen(to);
    if (width > LONGEST || from.length > 2 * LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; i < from.length; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            size_t changed = diagonal + (from.text[i] != to[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(changed, least(row[j], row[j + 1]) + 1);
        }
    }
    return row[width];
}

static bool begins(struct slice word, const char *known)
{
    return word.length >= BEGINNING_MIN && word.length < strlen(known) &&
           memcmp(word.text, known, word.length) == 0;
}

void guess_try(struct guess *guess, const char *known)
{
    size_t found = distance(guess->word, known);
    size_t most = guess->best ? guess->distance - 1 : least(FARTHEST, guess->word.length / 2);
    if (begins(guess->word, known) && found > FARTHEST)
        found = FARTHEST;
    if (found > most)
        return;
    guess->best = known;
    guess->distance = found;
}
