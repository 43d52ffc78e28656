/*
 * A baseline: the known leaks of a project, in a file beside its code.  A check then fails only for new ones.
 *
 *     { "schema": "threadleak-baseline/1",
 *       "leaks": [ { "fingerprint": "9f…", "threads": 2, "kind": "running",
 *                    "function": "pool_start", "file": "pool.c", "start_routine": "worker" } ] }
 *
 * Only `fingerprint` and `threads` are compared. The rest is for people who review a change of the file.
 * `threads` is the maximum that one process leaked with that fingerprint, because the number of processes
 * depends on how a suite is run. Running and unjoined threads of a place are one entry, because timing
 * decides which of the two a thread is; `kind` is that of the first group. Entries are sorted by function and
 * fingerprint, and are equal in each run.
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
 * Call it before report_finish. Groups no longer count if their process leaked at most as many threads with
 * their fingerprint as the baseline has. If it leaked more, all of them count, because the new ones cannot be
 * distinguished; `known` is then the number in the baseline.
 */
void baseline_apply(struct baseline *baseline, struct report *report);

/* Applies a baseline that contains everything that counts. */
void baseline_accept(struct report *report);

/* The number of entries that match no process of the report. */
size_t baseline_gone(const struct baseline *baseline);

/* Writes the groups that count, or that would count without a baseline. *entries, *threads: how many of each
 * it wrote. False with errno. */
bool baseline_write(FILE *out, const struct report *report, size_t *entries, size_t *threads);

#endif
