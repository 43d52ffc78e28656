/*
 * A baseline: the leaks that a project knows of, kept in a file beside its code,
 * so that a check fails for new ones alone.
 *
 *     { "schema": "threadleak-baseline/1",
 *       "leaks": [ { "fingerprint": "9f…", "threads": 2, "kind": "running",
 *                    "function": "pool_start", "file": "pool.c", "start_routine": "worker" } ] }
 *
 * Only `fingerprint` and `threads` are compared; the rest is for whoever reads
 * a change of the file.  `threads` is the most that one process left behind with
 * that fingerprint: how many processes did is a matter of how a suite is run.
 * Running and unjoined threads of a place are one entry, since which of the two a
 * thread is at the end is a matter of time; `kind` is the first one's.  Entries are sorted by
 * function and fingerprint, and hold nothing that differs from run to run.
 */
#ifndef THREADLEAK_LEAK_BASELINE_H
#define THREADLEAK_LEAK_BASELINE_H

#include <stdbool.h>
#include <stdio.h>

#include "leak/model.h"

#define BASELINE_SCHEMA "threadleak-baseline/1"
#define BASELINE_WORD "baseline" /* leak_group.suppressed_by of what it holds */

struct baseline;

/* NULL and an error that names the file and, where it can, line and column. */
struct baseline *baseline_read(const char *path, struct error *error);
void baseline_free(struct baseline *baseline);

/*
 * Before report_finish: groups whose process left no more threads with their
 * fingerprint than the baseline says no longer count.  Of a process that left
 * more, all of those count, since nobody knows which of them are the new ones,
 * and `known` tells how many the baseline has.
 */
void baseline_apply(struct baseline *baseline, struct report *report);

/* As if a baseline held all that counts. */
void baseline_accept(struct report *report);

/* How many of its entries no process of the report had. */
size_t baseline_gone(const struct baseline *baseline);

/* Writes what counts, or would without a baseline.  False with errno when a write
 * failed or memory was short.  `entries`: how many it holds. */
bool baseline_write(FILE *out, const struct report *report, size_t *entries);

#endif
