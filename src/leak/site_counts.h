/*
 * The counts of all creation sites of a process, of those without leaks too: what was created, joined,
 * detached and has ended there, and what is alive or unjoined now.
 *
 * They come from a copy of its ledger, for which nothing stops. A report has them in process_report.sites. A
 * sampler keeps a site table, so that each site is symbolised once, and a sample is one pass over the slots:
 *
 *     struct site_table *table = site_table_new(symbolizer);
 *     while (sampler_read(sampler, &sample, &error) == SAMPLE_OK) {          evidence/sample.h
 *         site_counts_of_sample(&counts, table, &sample);
 *         …  counts.items[i] is the same site in each sample
 *         site_counts_release(&counts), sample_release(&sample);
 *     }
 *     site_table_free(table);
 *
 * Of a process that is not watched only the live threads are known, and where they began: its sites are start
 * routines without a creator.
 *
 * These functions call no system, except for the files that the symbolizer opens.
 */
#ifndef THREADLEAK_LEAK_SITE_COUNTS_H
#define THREADLEAK_LEAK_SITE_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/sample.h"
#include "ledger/ledger.h"
#include "symbolize/symbolize.h"

struct leak_group; /* model.h; include it to use `place` */

/* Numbers of threads. The first part only grows while a process lives. */
struct site_threads {
    uint64_t created; /* successful creations */
    uint64_t joined;
    uint64_t detached; /* created detached, or detached later */
    uint64_t ended;
    uint64_t failed[FAIL_KINDS]; /* failed creations by error: fail_error_name() */

    uint64_t joinable;       /* alive now, not detached */
    uint64_t alive_detached; /* alive now, detached */
    uint64_t unjoined;       /* ended, neither joined nor detached, and nothing contradicts it */

    /* Alive now, creation not seen. Of a site: those of one start routine, if the process is not watched. */
    uint64_t untracked;
};

/* "EAGAIN" … */
const char *fail_error_name(enum ledger_fail error);

/* One creation site: a backtrace and a start routine, as the groups of a report are. */
struct site_count {
    /*
     * As the groups of a report have it, in hexadecimal: of its detached threads if most of them were
     * detached, else of its joinable and unjoined ones.
     */
    char fingerprint[17];
    /*
     * Its stack, user_frame, truncated, start_routine; creator_frame(place) names function, file and line of
     * the creator. It has no threads. Never NULL; without any frame for creations whose place is not known.
     */
    const struct leak_group *place;
    struct site_threads threads;
    double oldest_s;          /* age of the oldest one alive; < 0: none is alive, or unknown */
    double oldest_unjoined_s; /* since the end of the first unjoined one; < 0: none, or unknown */
};

/* Has anything happened at the site? Nothing has at the site of unknown places, mostly. */
bool site_count_is_used(const struct site_count *item);

struct site_counts {
    struct site_count *items; /* in the order in which the sites were first seen */
    size_t count;
    struct site_threads total; /* of all sites; `untracked` only from a sample */
    bool watched;              /* false: only `untracked` is known */
    double oldest_s;           /* of all sites */
};

/* What is known of the sites of one ledger. It owns the stacks and places of the counts. */
struct site_table;
/* The symbolizer must outlive it. NULL: out of memory. */
struct site_table *site_table_new(struct symbolizer *symbolizer);
void site_table_free(struct site_table *table);
/* Index in `items` of a site of the ledger (ledger_slot.site), or of a start routine (started_routine_of());
 * SIZE_MAX: it was not counted yet. */
size_t site_table_find(const struct site_table *table, uint32_t site);

/*
 * Counts at a moment (CLOCK_MONOTONIC, as the ledger's times; 0: unknown). `threads` is the index of this
 * ledger. A table is only for ledgers of one process: sites that it has seen already keep their place in
 * items, and new ones follow. False: out of memory; then nothing must be released.
 */
bool site_counts_read(struct site_counts *counts, struct site_table *table, const struct ledger *ledger,
                      const struct thread_index *threads, uint64_t now_ns);
/* The same for a sample. The table is for one `program` of the process, and its symbolizer must see files as
 * the process does: symbolizer_see_as(). */
bool site_counts_of_sample(struct site_counts *counts, struct site_table *table, const struct sample *sample);
void site_counts_release(struct site_counts *counts);

#endif
