/* The ledgers of one run, and the programs without a ledger. */
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
    bool any;                    /* some process created a ledger, even if that could not be read */
    bool unreadable;             /* some ledger could not be read */
    bool escaped;                /* COMMAND's process ended as another program, which created no ledger */
    struct unwatched *unwatched; /* by pid, then time: programs that certainly created no ledger */
    size_t unwatched_count;
};

/* Adds one and takes ownership of its ledger and stacks. False: out of memory; the caller still owns them. */
bool run_ledgers_add(struct run_ledgers *ledgers, const struct run_ledger *item);
/* Was a ledger of this process read while the process was alive? */
bool run_ledgers_have_alive(const struct run_ledgers *ledgers, pid_t pid);
/* Adds to ledgers->unwatched; name and exe are copied.  False: out of memory. */
bool run_ledgers_add_unwatched(struct run_ledgers *ledgers, pid_t pid, const char *name, const char *exe,
                               enum unwatched_why why);
void run_ledgers_release(struct run_ledgers *ledgers);

/*
 * Reads every ledger of the directory (collect.c). `child` ended with `wait_status` and is not reaped yet; 0:
 * the run timed out, and this does not wait. Any other process is alive if it still maps its ledger. Prints a
 * message for a ledger that cannot be read, and omits it. strict: as run_unwatched_find.
 */
bool run_dir_collect(const char *path, pid_t child, int wait_status, bool strict, struct run_ledgers *ledgers,
                     struct error *error);

/*
 * Fills ledgers->unwatched with programs that certainly created no ledger, if the reason is known: exec
 * records without a ledger (unwatched.c). Programs that were killed before they began, that could not load
 * their libraries, or that are still loading them, are not listed. strict: lists the first two kinds as well,
 * as "unknown", and waits for the last kind. False: out of memory.
 */
bool run_unwatched_find(const char *directory, bool strict, struct run_ledgers *ledgers, struct error *error);

#endif
