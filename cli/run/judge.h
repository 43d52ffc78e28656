/* What `run` judges each process of the tree by. */
#ifndef THREADLEAK_CLI_RUN_JUDGE_H
#define THREADLEAK_CLI_RUN_JUDGE_H

#include "leak/build.h"
#include "cli/run/options.h"

struct run_judge {
    const struct run_options *given;
    struct symbolizer *symbolizer;
};

/*
 * report= and judge= as the process itself went by, so that it is judged as it would be
 * without `run`: what its program brings, THREADLEAK_OPTIONS as it found them (none: as run
 * did), run's command line, and what the program set.  An end that the process sees it judges
 * itself, though, and run's command line is what its environment has of it.
 */
struct verdict_rules run_judge_rules(const struct run_judge *judge, const struct ledger *ledger);

#endif
