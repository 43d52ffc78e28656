/*
 * Suppressions: rules for threads that are no leak.  One rule a line:
 *
 *   rule  =  TYPE:PATTERN  { blank CONDITION }           # comment
 *   CONDITION  =  TYPE:PATTERN  |  waiting:ON[,ON…]  |  kind:KIND[,KIND…]  |  process:PATTERN
 *
 * types.def has a row for each TYPE.  In detail:
 *
 *   thread:   function, source file or module of any creation frame, or of the start routine; one without a
 *             name also by module+0xoffset, as reports show it, where the pattern has "+0x"
 *   start:    the start routine: its function, or module+0xoffset as reports show one without a
 *             name.  Where it is a runtime's (std::thread's, GLib's): also the function that it called,
 *             where the thread runs and its whole current stack is known
 *   name:     the thread's name
 *   module:   module of any creation frame or of the start routine, by its path or its basename
 *   top:      function at the top of the current stack: the innermost frame, the one that the text
 *             report shows first (pthread_cond_wait), or the first user frame (marked '>')
 *   any:      function of any current frame
 *   waiting:  what it waits for: a name of wait_on_name() (condvar, mutex, poll …)
 *   kind:     running, detached, unjoined
 *   process:  the executable, or what the process was called as (argv[0]), by its path or its basename
 *
 * All parts of a rule must be true of the thread.  A PATTERN may match anywhere in a name; '*' stands for any
 * text, '^' at its beginning and '$' at its end tie it there (as in LSan's and TSan's files); a '^', '$' or
 * blank of a name that would mean something else is written '*'.  Blanks are part of a pattern ("operator
 * new(unsigned long)") unless a word and a single ':' follow: these begin a condition.  A '#' at the
 * beginning of a line or after a blank begins a comment.
 *
 * A pattern without '(' may match a C++ function without its arguments: "^beat$" is "beat(int)".
 *
 * The frames in which libc starts a thread or a program (start_thread, clone, _start …) are no part of any
 * stack here: a rule never needs them, and "thread:start" must not match every thread.  What is not known
 * never matches: a thread whose current stack was not taken, and an ended one, has no top:, any: or waiting:.
 */
#ifndef THREADLEAK_SUPPRESS_SUPPRESS_H
#define THREADLEAK_SUPPRESS_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "symbolize/symbolize.h"
#include "wait/wait.h"

struct suppressions; /* rules, in the order in which they were loaded: the first that matches counts */

enum suppression_source {
    SUPPRESSION_USER,    /* a file that the user named */
    SUPPRESSION_PROGRAM, /* registered by a program */
    SUPPRESSION_SHIPPED, /* suppressions.d, of libraries' authors */
    SUPPRESSION_BUILT_IN
};

#define SUPPRESSION_BUILT_IN_LABEL "built in: "

struct suppression_rule {
    const char *text;   /* as written, without its comment */
    const char *label;  /* how reports call it: the text, or "built in: OpenMP's pool" */
    const char *origin; /* the file, "rules of ./app", "built in" */
    unsigned line;      /* in it */
    enum suppression_source source;
};

/* A type of a rule's parts: "thread", and what it matches, in one line. */
struct suppression_type {
    const char *name, *help;
    bool condition; /* cannot begin a rule */
};
/* NULL: there are no more. */
const struct suppression_type *suppression_type_at(size_t index);

struct suppressions *suppressions_new(void);
void suppressions_free(struct suppressions *suppressions);
/* Rules of which every part is only stars ("thread:*") are errors unless allowed
 * before they are loaded. */
void suppressions_allow_match_all(struct suppressions *suppressions, bool allow);
bool suppressions_allow_match_all_set(const struct suppressions *suppressions);

/*
 * Each adds all rules of its source, or, when one of them is wrong, none: error then is
 * "FILE:LINE:COLUMN: what is wrong; what to write instead" (columns count bytes, from 1).
 */
/* A file the user named. */
bool suppressions_load(struct suppressions *suppressions, const char *path, struct error *error);
/* Text of a program or an option, one rule a line; origin ("rules of ./app") is used instead of a file. */
bool suppressions_load_text(struct suppressions *suppressions, const char *text, const char *origin,
                            struct error *error);
/* Files DIRECTORY/NAME.supp in the order of their names.  No such directory: nothing. */
bool suppressions_load_directory(struct suppressions *suppressions, const char *directory,
                                 struct error *error);
/* False: out of memory. */
bool suppressions_load_built_in(struct suppressions *suppressions, struct error *error);

size_t suppressions_rule_count(const struct suppressions *suppressions);
const struct suppression_rule *suppressions_rule_at(const struct suppressions *suppressions, size_t index);

/* What threads of one creation have in common. */
struct suppression_site {
    const struct frame *stack; /* creation stack, leaf first */
    size_t stack_count;
    const struct frame *start; /* start routine; NULL: unknown */
    unsigned kind;             /* KIND_* of options.h */
    const char *process;       /* path of the executable; NULL: unknown */
    const char *called;        /* its argv[0], as the report's head has it; NULL: unknown */
};

struct suppression_thread {
    const char *name;            /* NULL or "": unknown */
    const struct frame *current; /* current stack, leaf first; NULL: unknown.  Equal pointers: equal stacks */
    size_t current_count;
    bool current_whole; /* down to the thread's beginning */
    enum wait_on waiting;
};

/*
 * Matching is by site, then by thread: whether parts match a site is found once.  The rules, and the current
 * stacks that were matched, must outlive the matcher.
 */
struct suppression_matcher;
struct suppression_matcher *suppression_matcher_new(
    const struct suppressions *suppressions); /* NULL: out of memory */
void suppression_matcher_free(struct suppression_matcher *matcher);
void suppression_matcher_site(struct suppression_matcher *matcher, const struct suppression_site *site);
/* The first rule that matches a thread of this site, or NULL. */
const struct suppression_rule *suppression_matcher_find(struct suppression_matcher *matcher,
                                                        const struct suppression_thread *thread);
/* Where none did: may one match that is not built in, once it sees more of the creation stack? */
bool suppression_matcher_may_find_deeper(struct suppression_matcher *matcher,
                                         const struct suppression_thread *thread);

#endif
