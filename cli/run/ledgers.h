/* The ledgers of one run, read from its private directory. */
#ifndef THREADLEAK_CLI_RUN_LEDGERS_H
#define THREADLEAK_CLI_RUN_LEDGERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "leak/build.h"
#include "ledger/ledger.h"

struct run_ledger {
    struct ledger *ledger;
    pid_t pid;
    unsigned long image; /* N of "ledger.PID.N" */
    struct known_end end;
    struct stacks *current; /* as it was at the end of the process; NULL: not kept */
};

struct run_ledgers {
    struct run_ledger *items; /* in the order in which the processes began */
    size_t count;
    unsigned patience_ms;        /* what is left of RUN_SETTLE_MS */
    unsigned ending_ms;          /* and of RUN_ENDING_MS */
    bool any;                    /* some process reported in, even if its ledger could not be read */
    bool unreadable;             /* some ledger could not be read */
    bool escaped;                /* COMMAND's process ended as another program, one that did not report in */
    struct unwatched *unwatched; /* by pid, then in time: programs that are known not to have reported in */
    size_t unwatched_count;
};

/* Reads every ledger of the directory.  `child` ended with `wait_status` and is not
 * reaped yet; any other process is alive if it still has its ledger mapped.
 * A ledger that cannot be read is told and left out.  strict: as run_marks_read. */
bool run_dir_collect(const char *path, pid_t child, int wait_status, bool strict, struct run_ledgers *ledgers,
                     struct error *error);
void run_ledgers_release(struct run_ledgers *ledgers);

#endif
