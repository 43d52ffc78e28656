/*
 * Finds the tasks of a live process that its ledger does not have. These functions only compare what
 * evidence.c has read.
 *
 * A thread that is created but has not begun has no tid in the ledger yet, though its task may be in /proc.
 * It is unknown which task that is, so that many of the youngest tasks are omitted.
 */
#ifndef THREADLEAK_EVIDENCE_UNTRACKED_H
#define THREADLEAK_EVIDENCE_UNTRACKED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger/ledger.h"
#include "proc/tasks.h"

/* When the tasks and the ledger were read. */
struct read_times {
    uint64_t boot_s;  /* CLOCK_BOOTTIME, of task.start_ticks */
    uint64_t clock_s; /* CLOCK_MONOTONIC, of the ledger */
    uint64_t ticks_per_s;
};

/* Keeps the tasks that are not `main_tid` and not in the index. */
void untracked_keep(struct task_list *tasks, pid_t main_tid, const struct thread_index *index);
/* Keeps the tasks that are also in `again`, which was read later. They must be the same task, not dead, and
 * not `end_tid`. */
void untracked_keep_lasting(struct task_list *tasks, const struct task_list *again, pid_t end_tid);
/* Are all of them too old to have just begun? */
bool untracked_are_old(const struct task_list *tasks, const struct read_times *now);
void untracked_leave_out_not_begun(struct task_list *tasks, const struct thread_index *index,
                                   const struct read_times *now);

#endif
