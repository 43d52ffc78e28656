/*
 * Samples of all watched processes for /metrics, without stopping them. What is known of a process is kept
 * from one sample to the next: where its ledger is, and the names of its sites.
 *
 * Only one thread at a time uses it.
 */
#ifndef THREADLEAK_CLI_SERVE_FLEET_H
#define THREADLEAK_CLI_SERVE_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "leak/model.h"
#include "report/metrics/metrics.h"

struct fleet;

/* NULL: out of memory. */
struct fleet *fleet_new(bool all_users);
void fleet_free(struct fleet *fleet);

/* Samples all watched processes. A process that ends meanwhile is left out. NULL: out of memory, or there is
 * no /proc. The fleet owns the array, until the next call. */
const struct metrics_process *fleet_sample(struct fleet *fleet, size_t *count);
/* Samples one process, watched or not. NULL: it cannot be read; error says why. */
const struct metrics_process *fleet_sample_one(struct fleet *fleet, pid_t pid, struct error *error);

/* Keeps the findings of these processes for their metrics. */
void fleet_keep_findings(struct fleet *fleet, const struct report *report);

#endif
