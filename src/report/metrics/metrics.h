/*
 * Metrics of processes, as Prometheus reads them: the text format (prometheus.io/docs/instrumenting/
 * exposition_formats) and OpenMetrics 1.0. The manual lists the names and labels.
 *
 * A process has at most METRICS_SITES series of sites for each state. The other sites are one, site="other".
 */
#ifndef THREADLEAK_REPORT_METRICS_METRICS_H
#define THREADLEAK_REPORT_METRICS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "find/find.h"
#include "leak/site_counts.h"

enum { METRICS_SITES = 50, METRICS_AGES = 9, METRICS_LIMITS = 8 };

/* Of threads that are alive: how many are at most so old. */
struct metrics_ages {
    uint64_t counts[METRICS_AGES + 1]; /* between two bounds; the last one: older */
    uint64_t count;
    double sum_s;
};
/* seconds < 0, unknown: it is left out. */
void metrics_ages_add(struct metrics_ages *ages, double seconds);

struct metrics_limit {
    const char *name; /* "nproc" */
    uint64_t value;
    int64_t used; /* < 0: unknown */
};

struct metrics_process {
    pid_t pid;
    const char *exe;                 /* NULL: unknown */
    const struct site_counts *sites; /* of a process that is not watched, only live threads are known */
    struct metrics_ages ages;
    bool ages_unknown;
    int64_t stack_reserved, stack_resident; /* bytes; < 0: unknown */
    struct metrics_limit limits[METRICS_LIMITS];
    size_t limit_count;
    /* Of the latest report. FINDING_GROWING: sites that grow, which needs several samples. */
    uint64_t findings[FINDING_CODES][FINDING_LEVELS];
};

enum metrics_syntax { METRICS_TEXT, METRICS_OPEN };
/* For HTTP: the Content-Type of each. */
const char *metrics_content_type(enum metrics_syntax syntax);

/* Writes all of them. False: out of memory. */
bool metrics_print(FILE *out, const struct metrics_process *processes, size_t count,
                   enum metrics_syntax syntax);

#endif
