/*
 * A baseline: the known leaks of a project, in a file beside its code.  A check then fails only for new ones.
 *
 *     { "schema": "threadleak-baseline/1",
 *       "leaks": [ { "fingerprint": "9f…", "threads": 2, "sites": 1, "kind": "running",
 *                    "function": "pool_start", "file": "pool.c", "start_routine": "worker",
 *                    "reason": "the pool lives until the end" } ],
 *       "findings": [ { "fingerprint": "07…", "code": "deadlock", "functions": ["pay", "print_journal"],
 *                       "reason": "ticket 4711" } ] }
 *
 * `fingerprint`, `threads` and `sites` are compared. The rest is for people who review a change of the file.
 * `threads` is the maximum that one process leaked with that fingerprint, because the number of processes
 * depends on how a suite is run. `sites` is the maximum number of places in the code, by lines, from which
 * one process leaked them. Running and unjoined threads of a place are one entry, because timing decides
 * which of the two a thread is; `kind` is that of the first group. `reason` is written by people, and kept
 * when the file is written again. Entries are sorted by function and fingerprint, and are equal in each run.
 *
 * A finding has an entry, unless it is a note: then --fail-on does not fail for it, and it is no verdict.
 * Files without "findings" have none.
 *
 * Entries of version 0.1 have no `sites`, and fingerprints without start routine and template arguments. They
 * match leak_group.old_fingerprint.
 */
#ifndef THREADLEAK_LEAK_BASELINE_H
#define THREADLEAK_LEAK_BASELINE_H

#include <stdbool.h>
#include <stdio.h>

#include "leak/model.h"

#define BASELINE_SCHEMA "threadleak-baseline/1"
#define BASELINE_WORD "baseline" /* leak_group.suppressed_by of groups in the baseline */

struct baseline;

/* NULL: error names the file, with line and column if they are known. */
struct baseline *baseline_read(const char *path, struct error *error);
void baseline_free(struct baseline *baseline);

/*
 * Call it before report_finish. Groups no longer count if their process leaked no more threads with their
 * fingerprint than the baseline has, and from no more sites. If it leaked more, all of them count, because
 * the new ones cannot be distinguished. Findings with an entry are suppressed. `known` and `known_sites` are
 * then the numbers in the baseline. The report must not outlive the baseline.
 */
void baseline_apply(struct baseline *baseline, struct report *report);

/* Applies a baseline that contains everything that counts. */
void baseline_accept(struct report *report);

/* The number of entries that match no process of the report, of leaks and findings. */
size_t baseline_gone(const struct baseline *baseline);

/* The number of entries that matched by a fingerprint of version 0.1. */
size_t baseline_old(const struct baseline *baseline);
/* What to do about them, as the end of a message that begins with the name of the file. */
#define BASELINE_OLD_TEXT "of an older version: write the file anew with --write-baseline"

/* Writes the groups that count, or that would count without a baseline, and the findings that are not
 * suppressed otherwise. *written: how many of each it wrote. reasons: gives entries their reasons; NULL: none
 * have any. False with errno. */
struct baseline_written {
    size_t leaks, threads, findings;
};
bool baseline_write(FILE *out, const struct report *report, const struct baseline *reasons,
                    struct baseline_written *written);

#endif
