/*
 * Suppressions: rules for threads that are not leaks. One rule a line:
 *
 *   rule  =  TYPE:PATTERN  { blank CONDITION }           # comment
 *   CONDITION  =  TYPE:PATTERN  |  waiting:ON[,ON…]  |  kind:KIND[,KIND…]  |  process:PATTERN
 *                |  finding:CODE[,CODE…]
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
 *   test:     the test that created the thread, or the latest test that the process ran
 *
 *   finding:  a finding that names the thread (find.h). Such a rule suppresses the finding, too; then thread:
 *             and module: also match the places of the finding, so it need not name a thread
 *
 * All parts of a rule must be true of the thread. A PATTERN may match anywhere in a name. '*' matches any
 * text. '^' at its beginning and '$' at its end anchor it (as in LSan's and TSan's files). Write '*' for a
 * '^', '$' or blank of a name that would have another meaning. Blanks are part of a pattern ("operator
 * new(unsigned long)"), unless a word and a single ':' follow, which begin a condition. A '#' at the
 * beginning of a line or after a blank begins a comment.
 *
 * A pattern without '(' may match a C++ function without its arguments: "^beat$" is "beat(int)".
 *
 * The frames in which libc starts a thread or a program (start_thread, clone, _start …) are no part of any
 * stack here: a rule never needs them, and "thread:start" must not match every thread. Unknown facts never
 * match: top:, any: and waiting: do not match an ended thread, or one whose current stack was not taken.
 */
#ifndef THREADLEAK_SUPPRESS_SUPPRESS_H
#define THREADLEAK_SUPPRESS_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "find/find.h"
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
    const char *text;   /* text of the rule, without its comment */
    const char *label;  /* name in reports: the text, or "built in: OpenMP's pool" */
    const char *origin; /* the file, "rules of ./app", "built in" */
    unsigned line;      /* line in the origin */
    enum suppression_source source;
};

/* A type of rule parts: "thread", and one line about what it matches. */
struct suppression_type {
    const char *name, *help;
    bool condition; /* cannot begin a rule */
};
/* NULL: no more. */
const struct suppression_type *suppression_type_at(size_t index);

struct suppressions *suppressions_new(void);
void suppressions_free(struct suppressions *suppressions);
/* Allows rules whose parts are only stars ("thread:*"), which are errors otherwise. Call it before they are
 * loaded. */
void suppressions_allow_match_all(struct suppressions *suppressions, bool allow);
bool suppressions_allow_match_all_set(const struct suppressions *suppressions);

/*
 * Each adds all rules of its source. If a rule is invalid, it adds no rule, and error is "FILE:LINE:COLUMN:
 * PROBLEM; WHAT TO WRITE INSTEAD" (columns are bytes, from 1).
 */
/* Loads a file of the user. */
bool suppressions_load(struct suppressions *suppressions, const char *path, struct error *error);
/* Loads text of a program or an option, one rule a line. `origin` ("rules of ./app") replaces the file
 * name. */
bool suppressions_load_text(struct suppressions *suppressions, const char *text, const char *origin,
                            struct error *error);
/* Loads the files DIRECTORY/NAME.supp in the order of their names. A missing directory is no error. */
bool suppressions_load_directory(struct suppressions *suppressions, const char *directory,
                                 struct error *error);
/* False: out of memory. */
bool suppressions_load_built_in(struct suppressions *suppressions, struct error *error);

size_t suppressions_rule_count(const struct suppressions *suppressions);
const struct suppression_rule *suppressions_rule_at(const struct suppressions *suppressions, size_t index);

/* The common facts of all threads of one creation site. */
struct suppression_site {
    const struct frame *stack; /* creation stack, leaf first */
    size_t stack_count;
    const struct frame *start; /* start routine; NULL: unknown */
    unsigned kind;             /* KIND_* of options.h */
    const char *process;       /* path of the executable; NULL: unknown */
    const char *called;        /* its argv[0]; NULL: unknown */
    const char *test;          /* the test of the creation stack; NULL: unknown */
    const char *ran;           /* the latest test of the process; NULL: unknown */
};

struct suppression_thread {
    const char *name;            /* NULL or "": unknown */
    const struct frame *current; /* current stack, leaf first; NULL: unknown.  Equal pointers: equal stacks */
    size_t current_count;
    bool current_whole; /* the stack is complete */
    enum wait_on waiting;
    unsigned findings;  /* that name it: 1u << enum finding_code */
    bool finding_alone; /* only rules with finding: match */
};

/*
 * Matching is by site first, then by thread: parts are compared with a site once. The rules, and the current
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
/* Is there a rule with finding:? */
bool suppressions_name_findings(const struct suppressions *suppressions);
/* If no rule matched: could a rule that is not built in match a longer creation stack? */
bool suppression_matcher_may_find_deeper(struct suppression_matcher *matcher,
                                         const struct suppression_thread *thread);

#endif
