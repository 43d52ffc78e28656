/* One report of several runs of a command, which has each distinct leak once. */
#ifndef THREADLEAK_LEAK_RUNS_H
#define THREADLEAK_LEAK_RUNS_H

#include "leak/model.h"

/*
 * Moves from the report of a run (after report_finish) what `total` does not have yet: the processes of the
 * first run, and later those with a counted leak of another kind or place. Counts the run for each leak that
 * both have. `number`: of the run, from 1 on. *moved: `one` still owns something that `total` refers to.
 * False: out of memory; then `total` may lack leaks of the run.
 */
bool report_add_run(struct report *total, struct report *one, uint64_t number, bool *moved);

#endif
