/* The ledgers of one run, and the programs that left none. */
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
    unsigned long image; /* N of "ledger.PID.N": counts the programs that this process ran */
    struct process_end end;
    struct stacks *current; /* the stacks at the end of the process; NULL: not saved */
};

struct run_ledgers {
    struct run_ledger *items; /* in the order in which the processes began */
    size_t count;
    bool any;                    /* some process reported in, even if its ledger could not be read */
    bool unreadable;             /* some ledger could not be read */
    bool escaped;                /* COMMAND's process ended as another program, one that did not report in */
    struct unwatched *unwatched; /* by pid, then in time: programs that are known not to have reported in */
    size_t unwatched_count;
};

/* Adds one and takes over its ledger and stacks.  False: out of memory; they are still the caller's. */
bool run_ledgers_add(struct run_ledgers *ledgers, const struct run_ledger *item);
/* Was a ledger read of this process, which was alive then? */
bool run_ledgers_have_alive(const struct run_ledgers *ledgers, pid_t pid);
/* Adds to ledgers->unwatched; name and exe are copied.  False: out of memory. */
bool run_ledgers_add_unwatched(struct run_ledgers *ledgers, pid_t pid, const char *name, const char *exe,
                               enum unwatched_why why);
void run_ledgers_release(struct run_ledgers *ledgers);

#endif
