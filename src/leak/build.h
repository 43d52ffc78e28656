/* Builds the model of a report, a process at a time. */
#ifndef THREADLEAK_LEAK_BUILD_H
#define THREADLEAK_LEAK_BUILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "leak/model.h"
#include "ledger/ledger.h"

/* How ledgers become verdicts. */
struct verdict_rules {
    unsigned kinds;                          /* KIND_* that count */
    bool judge_live;                         /* treat a live process as if it ended now (report --check) */
    unsigned judge;                          /* JUDGE_* for ends that the shim did not record (signal) */
    unsigned judge_seen;                     /* JUDGE_* that it used for those that it did, for the report */
    bool other_options;                      /* the process's own options, which differ from the user's */
    const struct suppressions *suppressions; /* NULL: none */
    struct symbolizer *symbolizer;
    /* A check that the program itself asked for: */
    bool check;
    uint64_t since;  /* threads up to this one are left out */
    uint64_t caller; /* and this one; 0: none */
};

/* What the caller knows of the end of a process when its ledger does not. */
struct known_end {
    bool alive;             /* its writer still runs: look at /proc as well */
    pid_t pid;              /* as we see it; 0: as the ledger says */
    bool known;             /* how it ended is known from wait(2) */
    int wait_status;        /* of waitpid, valid when known */
    bool wanted;            /* part of the report even if it created no thread */
    bool core;              /* all is from a core file: nothing of /proc is true of it */
    struct stacks *current; /* where its threads are, given over to the report; or NULL */
};

/* Adds one process.  A process that created no thread is only counted.  False
 * and an error when out of memory. */
bool report_add_ledger(struct report *report, const struct ledger *ledger, const struct known_end *end,
                       const struct verdict_rules *rules, struct error *error);

/* Adds a live process that is not watched: its threads, and where they are (given
 * over to the report; may be NULL).  False and an error when it has gone, or out of memory. */
bool report_add_unwatched(struct report *report, pid_t pid, struct stacks *current, struct error *error);

struct core_file; /* core.h */
/* The same of a core file. */
bool report_add_core(struct report *report, const struct core_file *core, struct stacks *current,
                     struct error *error);

/* Sums up; call once after the last report_add_*.  Without memory used_rules is empty. */
void report_finish(struct report *report);

#endif
