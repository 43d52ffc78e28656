/*
 * Which tasks of a live process its ledger does not explain.  The functions below only compare what
 * evidence.c has read.
 *
 * A thread that is created but has not begun has no tid in the ledger yet, though its task may be in
 * /proc.  Nobody knows which task that is, so as many of the youngest are left out.
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

/* Keeps of `tasks` those that are not `main_tid` and not in the index. */
void untracked_keep(struct task_list *tasks, pid_t main_tid, const struct thread_index *index);
/* Keeps those that are also in `again`, read later, as the same task, neither dead nor `end_tid`. */
void untracked_keep_lasting(struct task_list *tasks, const struct task_list *again, pid_t end_tid);
/* Could none of them have begun just now? */
bool untracked_are_old(const struct task_list *tasks, const struct read_times *now);
void untracked_leave_out_not_begun(struct task_list *tasks, const struct thread_index *index,
                                   const struct read_times *now);

#endif
