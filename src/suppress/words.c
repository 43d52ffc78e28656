#include "suppress/words.h"

#include <stdio.h>
#include <string.h>

#include "common/guess.h"
#include "suppress/suppress.h"

static const char *wait_word(unsigned at)
{
    return wait_on_name((enum wait_on)at);
}

static const char *kind_word(unsigned at)
{
#define NAME(id, name) name
    static const char *const words[] = {KIND_NAMES(NAME)};
#undef NAME
    return words[at];
}

static const char *finding_word(unsigned at)
{
    return finding_name((enum finding_code)at);
}

static unsigned find_bit(const struct words *words, const char *item, size_t length)
{
    for (unsigned at = words->first; at < words->end; at++)
        if (length == strlen(words->word(at)) && memcmp(item, words->word(at), length) == 0)
            return 1u << at;
    return 0;
}

static void explain_unknown(const struct words *words, const char *item, size_t length, char *why,
                            size_t size)
{
    char text[300];
    size_t used = 0;
    for (unsigned at = words->first; at < words->end && used < sizeof(text); at++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? ", " : "", words->word(at));
    struct guess guess = {.word = {item, length}};
    for (unsigned at = words->first; at < words->end; at++)
        guess_try(&guess, words->word(at));
    snprintf(why, size, "unknown %s '%.*s'%s%s%s; use %s", words->what, (int)(length < 40 ? length : 40),
             item, guess.best ? " (did you mean " : "", guess.best ? guess.best : "", guess.best ? ")" : "",
             text);
}

const char *words_unknown(const struct words *words, const char *list, const char *end, unsigned *bits,
                          char *why, size_t size)
{
    for (const char *item = list;; item++) {
        const char *comma = memchr(item, ',', (size_t)(end - item)), *stop = comma ? comma : end;
        unsigned bit = find_bit(words, item, (size_t)(stop - item));
        if (!bit) {
            explain_unknown(words, item, (size_t)(stop - item), why, size);
            return item;
        }
        *bits |= bit;
        if (!comma)
            return NULL;
        item = comma;
    }
}

const struct words words_of_waits = {"wait", WAIT_NONE + 1, WAIT_KINDS, wait_word};
const struct words words_of_kinds = {"kind", 0, 3, kind_word};
const struct words words_of_findings = {"finding", 0, FINDING_CODES, finding_word};
