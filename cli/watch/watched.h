/* One process that `threadleak watch` watches. */
#ifndef THREADLEAK_CLI_WATCH_WATCHED_H
#define THREADLEAK_CLI_WATCH_WATCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/watch/options.h"
#include "cli/watch/rules.h"
#include "evidence/sample.h"
#include "evidence/sleeps.h"
#include "leak/model.h"
#include "leak/site_counts.h"
#include "proc/process_limits.h"
#include "series/series.h"

/* Why a site is reported. */
enum watch_why {
    WATCH_GROWS,
    WATCH_UNJOINED_GROWS,
    WATCH_ALIVE,
    WATCH_UNJOINED,
    WATCH_UNJOINED_LONG,
    WATCH_ASLEEP,
    WATCH_WHYS
};

struct watched_site {
    struct series alive, unjoined; /* alive: joinable, detached and untracked ones */
    uint64_t asleep;               /* threads that have not run for longer than --waiting */
    double asleep_s;               /* the one of them that has not for longest */
    bool now[WATCH_WHYS];          /* it holds since the latest sample */
    /* The rule that suppresses its live threads, and its unjoined ones; NULL: none. It is searched for once.
     */
    const char *rule[2];
    bool rule_known[2];
    bool reported[WATCH_WHYS]; /* and was reported: once, as long as it holds */
};

struct watched {
    pid_t pid;
    char label[64]; /* "4242 growth": pid and name, escaped */
    char *exe;      /* NULL: unknown */
    uint64_t start_ticks;
    double started_s; /* CLOCK_REALTIME; < 0: unknown */
    struct sampler *sampler;
    struct symbolizer *symbolizer;
    struct site_table *table;
    unsigned program;
    struct watch_rules rules;
    struct sleeps sleeps;       /* with --waiting */
    struct site_counts counts;  /* of the latest sample */
    struct watched_site *sites; /* by the index in counts.items */
    size_t site_count;
    double at_s; /* of the latest sample, CLOCK_MONOTONIC */
    uint64_t tasks, samples;
    struct process_limit limits[PROCESS_LIMITS];
    size_t limit_count;
    double limits_s;                                /* when they were read; 0: not yet */
    uint64_t first_tasks, first_resident;           /* of the first reading */
    char failed[sizeof(((struct error *)0)->text)]; /* the latest error that was printed: not again */
    bool is_new, ended;
};

/* False: error has the reason, and nothing must be released. */
bool watched_process_open(struct watched *watched, pid_t pid, struct error *error);
void watched_process_release(struct watched *watched);
/* Takes a sample and judges. False with an error: it has ended (watched->ended), or this sample failed. */
bool watched_process_sample(struct watched *watched, const struct watch_options *options,
                            struct error *error);
/* Does one of its sites grow, or is above a threshold? */
bool watched_is_bad(const struct watched *watched);

/* The rule that suppresses it now; NULL: none. */
const char *watched_site_rule(const struct watched_site *site);

/* The sum of alive threads of a site. */
uint64_t site_alive(const struct site_count *item);
/* The growth that a site is reported for; NULL: it does not grow. */
const struct series *site_growth(const struct watched_site *site, enum watch_why why);
/* The nearest limit at the rate of all growing sites. *seconds: time left. NULL: none, or nothing grows. */
const struct process_limit *watched_nearest_limit(const struct watched *watched, double *seconds);

#endif
