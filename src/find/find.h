/*
 * Findings: what the threads of a process prove together, such as a deadlock. They are judged from evidence
 * of one moment; nothing here calls the system.
 */
#ifndef THREADLEAK_FIND_FIND_H
#define THREADLEAK_FIND_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "evidence/evidence.h"
#include "symbolize/symbolize.h"

/* FINDING_DEADLOCK …, from findings.def. */
enum finding_code {
#define FINDING(code, ...) FINDING_##code,
#include "find/findings.def"
    FINDING_CODES
};
const char *finding_name(enum finding_code code); /* "deadlock" */

/* What findings.def says about a code; its comment explains the members. */
struct finding_help {
    const char *name, *verdict, *meaning, *sure, *next, *assumes;
};
const struct finding_help *finding_help_of(enum finding_code code);
/* The code with this name; FINDING_CODES: none. */
enum finding_code finding_code_of(const char *name);
/* The words of --fail-on ("all deadlock dead-owner ...") and of --find ("default all none deadlock ..."). */
extern const char finding_words_fail_on[], finding_words_find[];

enum finding_level { FINDING_NOTE, FINDING_LIKELY, FINDING_PROVED, FINDING_LEVELS };
const char *finding_level_name(enum finding_level level); /* "note", "likely", "proved" */

struct finding_thread {
    uint64_t id; /* the T-number; 0: none */
    pid_t tid;   /* 0: unknown */
};

/* One line that supports a finding. */
struct finding_fact {
    char *text;             /* "T2 waits for mutex jobs_lock, held by T1" */
    const struct frame *at; /* where; NULL: nowhere or unknown. The stacks or the symbolizer own it */
    bool more;              /* one more like those before it, which a short report only counts */
    bool creation;          /* a thread was created there: "at" needs no comma before it */
};

struct suppression_rule; /* suppress.h */

struct finding {
    enum finding_code code;
    enum finding_level level;
    char *text;                     /* one line: "T1 joins T2, which waits for mutex jobs_lock, held by T1" */
    struct finding_thread *threads; /* in the order of the text; then those that wait for them */
    size_t thread_count;
    bool ids_ascend, tids_ascend; /* of threads[], so that they can be searched */
    struct finding_fact *facts;
    size_t fact_count;
    const char *pattern; /* the section of threadleak-patterns(7) that it is an example of; NULL: none */
    char *assumed;       /* what it assumes; NULL: nothing */
    /* The first facts, which say what it is; the others are about threads that wait for these. 0: all. */
    size_t own_facts;
    bool of_main;    /* it names the main thread */
    bool no_verdict; /* it makes none, though others of its code do */
    /* leak/ sets these: */
    char fingerprint[17]; /* hex; equal across runs and rebuilds: code, and functions of own_facts */
    const struct suppression_rule *rule; /* that suppressed it; NULL: none */
    const char *suppressed_by;           /* the rule's label, or "baseline"; NULL: it is not suppressed */
    bool fails;                          /* the command fails because of it (--fail-on) */
    bool in_group;                       /* a counted group names it, so it is no result of its own */
    const char *reason;                  /* of the entry in the baseline, which owns it; NULL: none */
};

struct findings {
    /* In the order of findings.def. Of a code: the one that holds up the main thread, then proved ones. */
    struct finding *items;
    size_t count;
    char *verdict; /* "STUCK: T1 joins T2, …: deadlock"; NULL: no finding makes one */
};

/* What to search for: a set of bits 1 << FINDING_CODE. The last bit lifts the limit on memory above which a
 * search is not made by default. */
#define FIND_UNLIMITED (1u << 31)
#define FIND_DEFAULT ((1u << FINDING_CODES) - 1)
#define FIND_ALL (FIND_DEFAULT | FIND_UNLIMITED)

/*
 * Searches for the findings in `wanted`, bits of the above, in the evidence. Findings point to
 * frames of the evidence's stacks and of the symbolizer, which must outlive them. False: out of memory; then
 * there are none.
 */
bool findings_find(struct findings *findings, const struct evidence *evidence, struct symbolizer *symbolizer,
                   unsigned wanted);
/* Chooses the verdict again, of findings that are not suppressed. False: out of memory. */
bool findings_set_verdict(struct findings *findings);
void findings_release(struct findings *findings);

/* The number of facts that say what it is. */
size_t finding_own_facts(const struct finding *finding);

/* Is `a` more serious than `b`? b NULL: yes. */
bool finding_is_more_serious(const struct finding *a, const struct finding *b);

/* Is the thread among those of a finding? id 0: it is found by its tid. */
bool finding_names(const struct finding *finding, uint64_t id, pid_t tid);

#endif
