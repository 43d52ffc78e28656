/*
 * What was collected about one process: from its ledger, from /proc while it lives, or from a core file.
 * What judges (find/, suppress/, leak/) reads this alone, so that its tests can make it up.
 *
 * Collecting calls the system, takes time and may fail; nothing that comes after it does.
 */
#ifndef THREADLEAK_EVIDENCE_EVIDENCE_H
#define THREADLEAK_EVIDENCE_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
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
    pid_t pid, parent_pid;       /* parent 0: unknown */
    char *exe, **argv;           /* NULL: unknown */
    struct process_end end;
    bool core;                  /* everything is from a core file */
    struct stacks *stacks;      /* NULL: not taken */
    uint64_t now_ns;            /* CLOCK_MONOTONIC; the moment that ages refer to; 0: unknown */
    struct task_list tasks;     /* of a live process; empty: cannot be matched with the tids of the ledger */
    struct task_list untracked; /* those of them that are neither the main thread nor in the ledger */
};

/*
 * Collect; the evidence then owns `stacks` (may be NULL).  False: error is set, and nothing is left to
 * release.
 *
 * A live process may take up to a second: a thread that has just begun is not in the ledger yet, one
 * that is ending no longer, so tasks that the ledger does not explain are read again.
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
void evidence_release(struct evidence *evidence);

#endif
