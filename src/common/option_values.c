#include "common/option_values.h"

#include <limits.h>
#include <signal.h>

static const struct word switches[] = {
    {"1", 1}, {"yes", 1}, {"on", 1}, {"true", 1}, {"0", 0}, {"no", 0}, {"off", 0}, {"false", 0}, {NULL, 0},
};

/* All signals but those that cannot be caught, and those that a fault raises again after the handler
 * returns. */
static const struct word signals[] = {
    {"none", 0},           {"HUP", SIGHUP},       {"INT", SIGINT},     {"QUIT", SIGQUIT}, {"TRAP", SIGTRAP},
    {"ABRT", SIGABRT},     {"USR1", SIGUSR1},     {"USR2", SIGUSR2},   {"PIPE", SIGPIPE}, {"ALRM", SIGALRM},
    {"TERM", SIGTERM},     {"STKFLT", SIGSTKFLT}, {"CHLD", SIGCHLD},   {"CONT", SIGCONT}, {"TSTP", SIGTSTP},
    {"TTIN", SIGTTIN},     {"TTOU", SIGTTOU},     {"URG", SIGURG},     {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
    {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF},     {"WINCH", SIGWINCH}, {"IO", SIGIO},     {"POLL", SIGIO},
    {"PWR", SIGPWR},       {"SYS", SIGSYS},       {NULL, 0},
};

/* The kernel's 32 and 33 belong to libc. */
enum { RT_FIRST = 34, RT_LAST = 64 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(struct slice value, const char *name)
{
    for (size_t i = 0; i < value.length; i++)
        if (!name[i] || lower(value.text[i]) != lower(name[i]))
            return false;
    return !name[value.length];
}

static const struct word *word_find(const struct word *words, struct slice value)
{
    for (; words->name; words++)
        if (same(value, words->name))
            return words;
    return NULL;
}

static bool number(struct slice value, unsigned min, unsigned max, unsigned *result)
{
    unsigned long long sum = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (value.text[i] < '0' || value.text[i] > '9' || sum > UINT_MAX)
            return false;
        sum = sum * 10 + (unsigned)(value.text[i] - '0');
    }
    if (!value.length || sum < min || sum > max)
        return false;
    *result = (unsigned)sum;
    return true;
}

static bool in_list(char c)
{
    return c == '+' || c == ',' || c == ' ' || c == '\t';
}

bool option_list_read(const struct word *words, struct slice value, unsigned *result)
{
    unsigned bits = 0;
    bool any = false;
    for (size_t i = 0; i < value.length;) {
        size_t start = i;
        while (i < value.length && !in_list(value.text[i]))
            i++;
        if (i > start) {
            const struct word *word = word_find(words, (struct slice){value.text + start, i - start});
            if (!word)
                return false;
            bits |= word->bits;
            any = true;
        }
        i++;
    }
    if (any)
        *result = bits;
    return any;
}

/* ---- one function for each type of value ------------------------------------------- */

const char *option_list(const struct options_key *key, void *bits, struct slice value)
{
    return option_list_read(key->words, value, bits) ? NULL : key->wrong;
}

const char *option_word(const struct options_key *key, void *number_of_word, struct slice value)
{
    const struct word *word = word_find(key->words, value);
    if (!word)
        return key->wrong;
    *(unsigned *)number_of_word = word->bits;
    return NULL;
}

const char *option_number(const struct options_key *key, void *number_there, struct slice value)
{
    return number(value, key->min, key->max, number_there) ? NULL : key->wrong;
}

const char *option_switch(const struct options_key *key, void *is_on, struct slice value)
{
    const struct word *word = word_find(switches, value);
    if (!word)
        return key->wrong;
    *(bool *)is_on = word->bits;
    return NULL;
}

const char *option_text(const struct options_key *key, void *text, struct slice value)
{
    if (!value.length)
        return "is empty";
    if (value.length >= key->max)
        return "is too long";
    memcpy(text, value.text, value.length);
    ((char *)text)[value.length] = '\0';
    return NULL;
}

const char *option_name(const struct options_key *key, void *name, struct slice value)
{
    for (const struct word *word = key->words; word->name; word++)
        if (slice_is(value, word->name))
            return option_text(key, name, value);
    return key->wrong;
}

static bool is_signal(unsigned wanted)
{
    for (const struct word *word = signals + 1; word->name; word++)
        if (word->bits == wanted)
            return true;
    return wanted >= RT_FIRST;
}

/* A name with or without SIG, RTMIN+n, or a number. */
const char *option_signal(const struct options_key *key, void *wanted, struct slice value)
{
    struct slice name = value;
    if (value.length > 3 && same((struct slice){value.text, 3}, "SIG"))
        name = (struct slice){value.text + 3, value.length - 3};
    const struct word *word = word_find(signals, name);
    unsigned n = word ? word->bits : 0;
    if (!word && name.length >= 5 && same((struct slice){name.text, 5}, "RTMIN")) {
        struct slice rest = {name.text + 6, name.length - 6};
        if (name.length > 5 && (name.text[5] != '+' || !number(rest, 0, RT_LAST - RT_FIRST, &n)))
            return "is not a real-time signal: RTMIN to RTMIN+30";
        n += RT_FIRST;
    } else if (!word && (!number(value, 1, RT_LAST, &n) || !is_signal(n))) {
        return key->wrong;
    }
    *(int *)wanted = (int)n;
    return NULL;
}

/* Writes the words that have one bit each. */
void option_list_text(const struct word *words, unsigned bits, char out[OPTIONS_LIST_MAX])
{
    size_t used = 0;
    for (; words->name; words++) {
        size_t length = strlen(words->name);
        if (!(words->bits & bits) || words->bits & (words->bits - 1) || used + length + 2 > OPTIONS_LIST_MAX)
            continue;
        if (used)
            out[used++] = ',';
        memcpy(out + used, words->name, length);
        used += length;
    }
    memcpy(out + used, used ? "" : "none", used ? 1 : sizeof("none"));
}
