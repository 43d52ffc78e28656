/*
 * The facts about one process: from its ledger, from /proc while it lives, or from a core file. Code that
 * judges (suppress/, leak/) reads only this, so its tests can make up evidence.
 *
 * Collecting makes system calls, takes time and may fail. Judging does not.
 */
#ifndef THREADLEAK_EVIDENCE_EVIDENCE_H
#define THREADLEAK_EVIDENCE_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "evidence/measures.h"
#include "ledger/ledger.h"
#include "proc/tasks.h"
#include "stacks/stacks.h"

/* How a process ended, from its parent or a core file. */
struct process_end {
    bool alive;      /* it has not ended; or it is ending, and its ledger has how */
    bool known;      /* it has ended, and wait_status is valid */
    int wait_status; /* of waitpid(2) */
};

struct evidence {
    const struct ledger *ledger; /* NULL: not watched. Owned by the caller; must outlive the evidence */
    struct thread_index threads; /* of the ledger */
    bool has_shim;               /* no ledger, but it is watched: it has not created a thread yet */
    bool ledger_is_missing;      /* it is watched, but the core file does not contain its ledger */
    pid_t pid, parent_pid;       /* parent 0: unknown */
    char *exe, **argv;           /* NULL: unknown */
    struct process_end end;
    bool core;                  /* everything is from a core file */
    pid_t crashed;              /* in a core file: the thread that got the signal; 0: none, or unknown */
    struct stacks *stacks;      /* NULL: not taken */
    uint64_t now_ns;            /* CLOCK_MONOTONIC; the moment that ages refer to; 0: unknown */
    struct task_list tasks;     /* of a live process; empty: cannot be matched with the tids of the ledger */
    struct measures *measures;  /* of a live process (evidence_measure); NULL: not known */
    char **blind_spots;         /* what could not be seen (blind_spots.h); NULL: nothing is known */
    char **replaced;            /* programs and libraries whose file was replaced; NULL: none is known */
    struct task_list untracked; /* those of them that are neither the main thread nor in the ledger */
};

/*
 * Collect the evidence, which then owns `stacks` (may be NULL). False: error is set, and nothing must be
 * released.
 *
 * A live process may take up to a second: the ledger lacks threads that have just begun or are about to end,
 * so untracked tasks are read again.
 */
bool evidence_of_process(struct evidence *evidence, pid_t pid, const struct ledger *ledger,
                         struct stacks *stacks, struct error *error);
/* Uses the pid in the ledger. Reads /proc only if end->alive. */
bool evidence_of_ledger(struct evidence *evidence, const struct ledger *ledger, const struct process_end *end,
                        struct stacks *stacks, struct error *error);
struct core_file; /* core.h */
/* ledger NULL: the core contains none. */
bool evidence_of_core(struct evidence *evidence, const struct core_file *core, const struct ledger *ledger,
                      struct stacks *stacks, struct error *error);
/* Reads what its stacks take and what limits its threads, if it is alive. */
void evidence_measure(struct evidence *evidence);
/* Does a recorded abort() end the process, or has it done so? Not one after which a handler of the program
 * continued. */
bool evidence_is_abort(const struct evidence *evidence);
void evidence_release(struct evidence *evidence);

#endif
