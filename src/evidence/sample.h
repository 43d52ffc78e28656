/*
 * Samples of a live process: what can be read of it every second without stopping it and at little cost. A
 * sample of 10,000 threads takes some milliseconds (bench/), where struct evidence takes a hundred.
 *
 *     struct sampler *sampler = sampler_open(pid, &error);
 *     while (sampler_read(sampler, &sample, &error) == SAMPLE_OK) {
 *         site_counts_of_sample(&counts, table, &sample);        leak/site_counts.h
 *         …
 *         sample_release(&sample);
 *     }
 *     sampler_close(sampler);
 *
 * The identity of a process is its pid and its start time, so another process that got its pid is not taken
 * for it.
 */
#ifndef THREADLEAK_EVIDENCE_SAMPLE_H
#define THREADLEAK_EVIDENCE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "evidence/started.h"
#include "ledger/ledger.h"

struct sample {
    pid_t pid;
    uint64_t start_ticks; /* of the process, clock ticks after boot; with the pid its identity */
    const char *exe;      /* NULL: not readable. Owned by the sampler, as `started` is */
    char name[16];        /* of its main thread */
    unsigned program;     /* counts the programs that the process has run since sampler_open, by exec: a site
                           * table is only for one */
    uint64_t now_ns;      /* CLOCK_MONOTONIC of the process, as the times in the ledger are */
    uint64_t now_ticks;   /* clock ticks after boot, as start_ticks are */
    uint64_t ticks_per_s;
    uint64_t tasks; /* threads, with the main thread; 0: unknown */

    struct ledger *ledger;                 /* NULL: not watched */
    struct thread_index threads;           /* of the ledger */
    const struct started_threads *started; /* not watched: the functions where its threads began */
};

struct sampler;

enum sample_status {
    SAMPLE_OK,
    SAMPLE_GONE,  /* it has ended; error says so */
    SAMPLE_FAILED /* this time; error says why. A later sample may succeed */
};

/* NULL: no such process, or out of memory. */
struct sampler *sampler_open(pid_t pid, struct error *error);
void sampler_close(struct sampler *sampler); /* NULL: nothing */

/* Only an OK sample must be released, before the next one is read. */
enum sample_status sampler_read(struct sampler *sampler, struct sample *sample, struct error *error);
void sample_release(struct sample *sample);

#endif
