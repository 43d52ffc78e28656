/*
 * THREADLEAK_OPTIONS: the options of the shim, by key.
 *
 * The code runs inside the watched program. It does not allocate or use stdio; struct options holds all
 * values. The CLI uses the same code, so that a key means the same on both sides.
 */
#ifndef THREADLEAK_COMMON_OPTIONS_H
#define THREADLEAK_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ledger.h"
#include "common/option_values.h"

/* Ends that are judged: bits of options.judge.  Bit n is enum ledger_end n;
 * death by signal has no ledger_end.  DEATH_TEST is a condition: without it, the child of a death
 * test is not judged, however it ends. */
enum {
    JUDGE_EXIT = 1u << 1,
    JUDGE__EXIT = 1u << 2,
    JUDGE_QUICK_EXIT = 1u << 3,
    JUDGE_EXEC = 1u << 4,
    JUDGE_SIGNAL = 1u << 5,
    JUDGE_DEATH_TEST = 1u << 6,
};
#define JUDGE_ALL (JUDGE_EXIT | JUDGE__EXIT | JUDGE_QUICK_EXIT | JUDGE_EXEC | JUDGE_SIGNAL | JUDGE_DEATH_TEST)

enum option_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

#define OPTIONS_PATH_MAX 512
#define OPTIONS_SUPPRESSIONS_MAX 4
#define OPTIONS_DEPTH_MAX 256

struct options {
    unsigned report;   /* KIND_* */
    unsigned judge;    /* JUDGE_* */
    int exitcode;      /* 0..255; 0: the program's status is unchanged */
    unsigned grace_ms; /* 0: do not wait */
    int signal;        /* dump signal; 0: none */
    unsigned shake;    /* seed of random pauses; 0: none */
    unsigned depth;    /* 1..OPTIONS_DEPTH_MAX frames */
    bool wakes;        /* record notifications of condition variables and semaphores */
    bool follow;
    bool stacks;               /* reports have current stacks */
    bool default_suppressions; /* the built-in rules, and those that libraries installed */
    bool allow_match_all;      /* accept rules that match every thread */
    bool help;
    enum option_color color;
    char format[16];                 /* "text", "json", … */
    char log_path[OPTIONS_PATH_MAX]; /* "stderr", or a path with %p and %h unexpanded */
    unsigned suppressions_count;
    char baseline[OPTIONS_PATH_MAX]; /* "": none */
    char suppressions[OPTIONS_SUPPRESSIONS_MAX][OPTIONS_PATH_MAX];
};

/* Called for each unknown key or bad value with one line, "THREADLEAK_OPTIONS: …", without a newline. The
 * line is valid during the call. */
typedef void options_warn_fn(void *arg, const char *line);

/* Sets all members. */
void options_defaults(struct options *options);

/* The same if `options` is zero. It writes less than a page. */
void options_defaults_in_zeros(struct options *options);

/*
 * Reads "key=value:key=value" into `options`, which holds the values so far. Separators are ':' ',' and white
 * space; values may be in '' or "". A word without '=' after report= or judge= continues that list, so
 * report=running,unjoined works. Skips an item that is not valid, and calls `warn` (or NULL) for it.
 * Async-signal-safe.
 */
void options_parse(struct options *options, const char *text, options_warn_fn *warn, void *arg);

/*
 * The same for options that do not come from the variable. `origin` begins each line in place of
 * THREADLEAK_OPTIONS. The lines do not end with "ignored", because the caller rejects invalid options.
 * `extra` is called first for each key with a value. It returns what options_set returns, or
 * options_unknown_key for a key that it does not know.
 */
typedef const char *options_extra_fn(void *arg, const char *key, const char *value, size_t value_len);
struct options_reader {
    const char *origin;      /* NULL: THREADLEAK_OPTIONS, whose mistakes are ignored */
    options_extra_fn *extra; /* or NULL */
    options_warn_fn *warn;   /* or NULL */
    void *arg;               /* passed to both */
    const char *quoted_key;  /* or NULL: a key whose values contain ':'; a message shows how to quote them */
};
/* Parses as options_parse() does, with the reader's functions. */
void options_read(struct options *options, const char *text, const struct options_reader *reader);

/* The nth key, or NULL after the last; by name, or NULL. */
const struct options_key *options_key(unsigned n);
const struct options_key *options_key_find(struct slice name);

/* Adds one word to the value of a list key. options NULL: only checks it. False: the key has no list, or the
 * list has no such word. */
bool options_list_extend(struct options *options, const struct options_key *key, struct slice word);

/* Sets one key.  Returns NULL, or what is wrong with the value ("is not a number from 0 to 255");
 * options_unknown_key itself when there is no such key. */
extern const char options_unknown_key[];
const char *options_set(struct options *options, const char *key, const char *value, size_t value_len);

/* Size of the text with its NUL. The shim ignores what is longer. */
#define OPTIONS_PART_MAX 4096

/* A value of report= or judge= as text: "running,unjoined", "none". */
void options_report_text(unsigned kinds, char out[OPTIONS_LIST_MAX]);
void options_judge_text(unsigned ends, char out[OPTIONS_LIST_MAX]);

/*
 * Expands %p (pid), %h (basename of the executable) and %% in `pattern`. False: it does
 * not fit, and `out` is empty.
 */
bool options_expand_path(char *out, size_t size, const char *pattern, long pid, const char *exe);

#endif
