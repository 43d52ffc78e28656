/* One process of the fleet. Private to the files of the fleet. */
#ifndef THREADLEAK_CLI_SERVE_SAMPLED_H
#define THREADLEAK_CLI_SERVE_SAMPLED_H

#include <stdint.h>

#include "cli/serve/processes.h"
#include "evidence/sample.h"
#include "evidence/stack_bytes.h"
#include "proc/thread_limits.h"
#include "report/metrics/metrics.h"
#include "series/site_growth.h"

struct sampled {
    pid_t pid;
    uint64_t start;
    struct sampler *sampler;
    struct site_table *table;
    unsigned program; /* of the table */
    struct site_counts counts;
    struct site_growths growths; /* from one sample to the next */
    struct stack_bytes stacks;
    uint64_t stacks_at_ns, stacks_took_ns; /* when they were read, and how long it took; 0: not yet */
    struct metrics_process metrics;
    bool listed; /* in the latest list of processes */
    bool shown;  /* its metrics are of the latest sample */
};

/* What the samples of all processes share. */
struct sampling {
    const struct listed_processes *list;
    struct system_limits limits;
    struct symbolizer *symbolizer;
    uint64_t stacks_of_ns; /* stacks that were read later than this are not read again now */
};

/* False: no such process. */
bool sampled_open(struct sampled *sampled, const struct listed_process *process, struct error *error);
void sampled_close(struct sampled *sampled);
/* Sets `counts`, `metrics` and `shown`. False: it has ended, or cannot be read. */
bool sampled_read(struct sampled *sampled, const struct listed_process *process,
                  const struct sampling *sampling, struct error *error);

#endif
