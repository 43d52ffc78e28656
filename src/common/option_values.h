/*
 * The keys of THREADLEAK_OPTIONS and the types of their values.  The rows are in options.c.
 * Async-signal-safe, without allocation.
 */
#ifndef THREADLEAK_COMMON_OPTION_VALUES_H
#define THREADLEAK_COMMON_OPTION_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/slice.h"

/* A word that a value can be, or contain. An array of them ends with a NULL name. */
struct word {
    const char *name;
    unsigned bits;
};

/* Size of the longest list as text. */
#define OPTIONS_LIST_MAX 48

/* One key: its row in the table of options.c.  Parsing, defaults, help=1, the options of the CLI and the
 * man page's list follow from it. */
struct options_key;
typedef const char *options_set_fn(const struct options_key *key, void *member, struct slice value);

struct options_key {
    const char *name;
    const char *initial; /* the default as the user would write it; "": none */
    const char *help;    /* one line */
    const char *wrong;   /* the message for an invalid value */
    options_set_fn *set;
    size_t offset; /* offset of its member in struct options */
    const struct word *words;
    unsigned min, max; /* of a number; max: size of a text */
};

/* Each reads `value` into the member of struct options. Returns NULL, or what is wrong; then the member is
 * unchanged. */
options_set_fn option_list;   /* unsigned: the bits of all words, with ',' '+' or a blank between */
options_set_fn option_word;   /* unsigned or an enum: the bits of one word */
options_set_fn option_number; /* unsigned or int, from key->min to key->max */
options_set_fn option_switch; /* bool */
options_set_fn option_text;   /* char[key->max], not empty */
options_set_fn option_name;   /* a text that is one of key->words */
options_set_fn option_signal; /* int: by name with or without SIG, RTMIN+n, or number; 0: none */

/* The bits of a list. False: it is empty, or has an unknown word. */
bool option_list_read(const struct word *words, struct slice value, unsigned *bits);
/* The bits as a list of the words with one bit each; "none" for 0. */
void option_list_text(const struct word *words, unsigned bits, char out[OPTIONS_LIST_MAX]);

#endif
