/* The ledgers of one run, and the programs without a ledger. */
#ifndef THREADLEAK_CLI_RUN_LEDGERS_H
#define THREADLEAK_CLI_RUN_LEDGERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cli/run/began.h"
#include "leak/build.h"
#include "ledger/ledger.h"

struct run_ledger {
    struct ledger *ledger;
    pid_t pid;           /* in our pid namespace, if the process is alive or its ledger was made by run */
    pid_t named;         /* PID of "ledger.PID.N" */
    unsigned long image; /* N of "ledger.PID.N": counts the programs that this process ran */
    struct process_end end;
    struct stacks *current; /* the stacks at the end of the process; NULL: not saved */
};

/* A program that had no room for its ledger. */
struct given_up {
    pid_t pid;
    unsigned long image;
    enum unwatched_why why;
};

struct run_ledgers {
    struct run_ledger *items; /* in the order in which the processes began */
    size_t count;
    struct began_list began;
    pid_t *idle; /* processes of the tree that are alive with the shim, and have created no thread */
    size_t idle_count;
    bool any;        /* some process reported in or has a ledger, even if that could not be read */
    bool unreadable; /* some ledger could not be read */
    pid_t child;     /* COMMAND; 0: the run timed out */
    bool escaped;    /* COMMAND's process ended as another program, which did not report in */
    /* COMMAND had no room for its ledger, or for all of its threads, or its ledger cannot be read. */
    bool unrecorded;
    struct given_up *given_up;
    size_t given_up_count;
    struct unwatched *unwatched; /* by pid, then time: programs that certainly did not report in */
    size_t unwatched_count;
};

/* Adds one and takes ownership of its ledger and stacks. False: out of memory; the caller still owns them. */
bool run_ledgers_add(struct run_ledgers *ledgers, const struct run_ledger *item);
/* Was a ledger of this process read while the process was alive? */
bool run_ledgers_have_alive(const struct run_ledgers *ledgers, pid_t pid);
/* Without memory it is left out. */
void run_ledgers_add_idle(struct run_ledgers *ledgers, pid_t pid);
/* Adds to ledgers->unwatched; name and exe are copied.  False: out of memory. */
bool run_ledgers_add_unwatched(struct run_ledgers *ledgers, pid_t pid, const char *name, const char *exe,
                               enum unwatched_why why);
void run_ledgers_release(struct run_ledgers *ledgers);

/* What a run collects from its directory, and when. */
struct run_collect {
    const char *directory;
    pid_t root;      /* COMMAND */
    pid_t child;     /* COMMAND, which has ended and is not reaped yet; 0: the run timed out, and nothing is
                        waited for */
    int wait_status; /* of child */
    bool strict;     /* as for run_unwatched_find */
    const char *command; /* path of COMMAND, for messages */
    size_t ledger_bytes; /* of memory for all ledgers together; 0: 1 GiB */
};

/*
 * Reads every ledger of the directory (collect.c). Any other process than COMMAND is alive if it still maps
 * its ledger. Prints a message for a ledger that cannot be read, and omits it.
 */
bool run_dir_collect(const struct run_collect *collect, struct run_ledgers *ledgers, struct error *error);

/* The number of processes that reported in and have no ledger. */
size_t run_ledgers_count_idle(const struct run_ledgers *ledgers);

/*
 * Fills ledgers->unwatched with programs that certainly did not report in, if the reason is known: exec
 * records that nothing follows (unwatched.c), and programs that gave up. Programs that were killed before
 * they began, that could not load their libraries, or that are still loading them, are not listed. strict:
 * lists the first two kinds as well, as "unknown", and waits for the last kind. False: out of memory.
 */
bool run_unwatched_find(const struct run_collect *collect, struct run_ledgers *ledgers, struct error *error);

/* ---- programs that had no room for a ledger (no_room.c) ---- */

/* The reason in the mode of a ledger's file. False: it did not give up. */
bool run_given_up_reason(const char *path, enum unwatched_why *why);
/* Adds it if it is new. False: out of memory. */
bool run_given_up_add(struct run_ledgers *ledgers, pid_t pid, unsigned long image, enum unwatched_why why);
/* The latest program of a process that gave up; NULL: none. */
const struct given_up *run_given_up_latest(const struct run_ledgers *ledgers, pid_t pid);

#endif
