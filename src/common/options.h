/*
 * THREADLEAK_OPTIONS: what a user can ask of the shim.
 *
 * Tier 0: used inside the watched program, so it neither allocates nor uses
 * stdio, and everything it keeps lies in struct options itself.  The CLI uses
 * the same code, so that both sides mean the same by a key.
 */
#ifndef THREADLEAK_COMMON_OPTIONS_H
#define THREADLEAK_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ledger.h"
#include "common/slice.h"

/* Ends that are judged: bits of options.judge.  Bit n is enum ledger_end n;
 * death by signal has no ledger_end and takes the last bit. */
enum {
    JUDGE_EXIT = 1u << 1,
    JUDGE__EXIT = 1u << 2,
    JUDGE_QUICK_EXIT = 1u << 3,
    JUDGE_EXEC = 1u << 4,
    JUDGE_SIGNAL = 1u << 5,
};
#define JUDGE_ALL (JUDGE_EXIT | JUDGE__EXIT | JUDGE_QUICK_EXIT | JUDGE_EXEC | JUDGE_SIGNAL)

enum option_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

#define OPTIONS_PATH_MAX 512
#define OPTIONS_SUPPRESSIONS_MAX 4
#define OPTIONS_DEPTH_MAX 256

struct options {
    unsigned report;   /* KIND_* */
    unsigned judge;    /* JUDGE_* */
    int exitcode;      /* 0..255; 0: leave the program's status */
    unsigned grace_ms; /* 0: do not wait */
    int signal;        /* dump signal; 0: none */
    unsigned depth;    /* 1..OPTIONS_DEPTH_MAX frames */
    bool follow;
    bool stacks;               /* where threads are now is part of reports */
    bool default_suppressions; /* the built-in rules, and those that libraries installed */
    bool allow_match_all;      /* rules that match every thread are no error */
    bool help;
    enum option_color color;
    char format[16];                 /* "text", "json", … */
    char log_path[OPTIONS_PATH_MAX]; /* "stderr", or a path with %p and %h unexpanded */
    char suppressions[OPTIONS_SUPPRESSIONS_MAX][OPTIONS_PATH_MAX];
    unsigned suppressions_count;
};

/* Told of each unknown key or bad value: one line, "THREADLEAK_OPTIONS: …",
 * without its newline, valid during the call.  May be NULL. */
typedef void options_warn_fn(void *arg, const char *line);

void options_defaults(struct options *options);

/*
 * Reads "key=value:key=value" (separators ':' ',' and white space; values may
 * stand in '' or "") over what options holds already.  A list value (report,
 * judge) may use ',' only inside quotes or '+', since ',' separates keys:
 * after report= and judge=, a following word without '=' that names a kind or
 * an end continues the list, so report=running,unjoined works as written.
 * What is not understood is told to `warn` and skipped.  Async-signal-safe.
 */
void options_parse(struct options *options, const char *text, options_warn_fn *warn, void *arg);

/*
 * The same for options that come from elsewhere: `origin` begins each line in place
 * of THREADLEAK_OPTIONS, and nothing is said to be ignored, for the caller refuses
 * what is not understood.  `extra` gets each key that has a value first, and returns
 * as options_set does; options_unknown_key: the key is not one of its own.
 */
typedef const char *options_extra_fn(void *arg, const char *key, const char *value, size_t value_len);
struct options_reader {
    const char *origin;      /* NULL: THREADLEAK_OPTIONS, and what is wrong is skipped */
    options_extra_fn *extra; /* or NULL */
    options_warn_fn *warn;   /* or NULL */
    void *arg;               /* of both */
    const char *quoted_key;  /* or NULL: one whose values have ':', to be told when one has no quotes */
};
void options_read(struct options *options, const char *text, const struct options_reader *reader);

/* One key: its row in the table of options.c.  Parsing, defaults, help=1, the options of the CLI and the
 * man page's list follow from it. */
struct word;
struct options_key {
    const char *name;
    const char *initial; /* the default as the user would write it; "": none */
    const char *help;    /* one line */
    const char *wrong;   /* what is wrong with a value that is not understood */
    const char *(*set)(const struct options_key *key, void *member, struct slice value);
    size_t offset; /* of its member in struct options */
    const struct word *words;
    unsigned min, max; /* of a number; max: size of a text */
};
/* The nth, or NULL after the last; by name, or NULL. */
const struct options_key *options_key(unsigned n);
const struct options_key *options_key_find(struct slice name);

/* Adds one word to the value of a list key.  options NULL: only checks it.  False: the key has no list, or
 * the word is none of it. */
bool options_list_extend(struct options *options, const struct options_key *key, struct slice word);

/* Sets one key.  Returns NULL, or what is wrong with the value ("is not a number from 0 to 255");
 * options_unknown_key itself when there is no such key. */
extern const char options_unknown_key[];
const char *options_set(struct options *options, const char *key, const char *value, size_t value_len);

/* Of the whole text, with its end: the shim has no room for more and ignores it. */
#define OPTIONS_PART_MAX 4096

/* A value of report= or judge= as it would be written: "running,unjoined", "none".  `out` holds the
 * longest of them. */
#define OPTIONS_LIST_MAX 48
void options_report_text(unsigned kinds, char out[OPTIONS_LIST_MAX]);
void options_judge_text(unsigned ends, char out[OPTIONS_LIST_MAX]);

/*
 * Expands %p (pid), %h (basename of the executable) and %% of `pattern`.
 * Returns false when it does not fit; `out` is then empty.
 */
bool options_expand_path(char *out, size_t size, const char *pattern, long pid, const char *exe);

#endif
