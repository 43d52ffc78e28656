/* Builds the model of a report, a process at a time. */
#ifndef THREADLEAK_LEAK_BUILD_H
#define THREADLEAK_LEAK_BUILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "evidence/evidence.h"
#include "leak/model.h"

/* How ledgers become verdicts. */
struct verdict_rules {
    unsigned kinds;                          /* KIND_* that count */
    bool judge_live;                         /* treat a live process as if it ended now (report --check) */
    unsigned judge;                          /* JUDGE_* for ends that the shim did not record (signal) */
    unsigned judge_seen;                     /* JUDGE_* that it used for those that it did, for the report */
    bool even_without_threads;               /* show also a process that created none */
    bool other_options;                      /* the process's own options, which differ from the user's */
    const struct suppressions *suppressions; /* NULL: none */
    struct symbolizer *symbolizer;
    /* A check that the program itself asked for: */
    bool check;
    uint64_t since;  /* threads up to this one are left out */
    uint64_t caller; /* and this one; 0: none */
};

/*
 * Adds one process, and releases the evidence.  A watched process without any thread is only counted, unless
 * rules->even_without_threads.  One that was not watched is not judged; rules may then be NULL.  False and an
 * error when out of memory.
 */
bool report_add(struct report *report, struct evidence *evidence, const struct verdict_rules *rules,
                struct error *error);

/* Sums up; call once after the last report_add_*.  Without memory used_rules is empty. */
void report_finish(struct report *report);

#endif
