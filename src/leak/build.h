/* Builds the model of a report, one process at a time. */
#ifndef THREADLEAK_LEAK_BUILD_H
#define THREADLEAK_LEAK_BUILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "evidence/evidence.h"
#include "leak/model.h"

/* How to judge ledgers. */
struct verdict_rules {
    unsigned kinds;                          /* KIND_* that count */
    bool judge_live;                         /* treat a live process as if it ended now (report --check) */
    unsigned judge;                          /* JUDGE_* for ends that the shim did not record (signal) */
    unsigned judge_seen;                     /* JUDGE_* that the shim used, for the report */
    bool all_sites;                          /* fill in process_report.sites, which symbolises every site */
    bool even_without_threads;               /* also show a process that created no thread */
    bool other_options;                      /* the process's own options, which differ from the user's */
    const struct suppressions *suppressions; /* NULL: none */
    unsigned find;                           /* which findings to search for (find.h) */
    struct symbolizer *symbolizer;
    /* A check by <threadleak.h>: */
    bool check;
    uint64_t since;  /* threads up to this serial are ignored */
    uint64_t caller; /* also ignored; 0: none */
};

/*
 * Adds one process, and releases the evidence. A watched process without any thread is only counted, unless
 * rules->even_without_threads. A process that was not watched is not judged; then only rules->find matters,
 * and rules may be NULL, which finds what is found by default. False and an error when out of memory.
 */
bool report_add(struct report *report, struct evidence *evidence, const struct verdict_rules *rules,
                struct error *error);

/* Calculates the summary. Call it once after the last report_add_*. When out of memory, used_rules is
 * empty. */
void report_finish(struct report *report);

#endif
