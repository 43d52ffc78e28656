/* The rules by which `run` judges each process of the tree. */
#ifndef THREADLEAK_CLI_RUN_JUDGE_H
#define THREADLEAK_CLI_RUN_JUDGE_H

#include "leak/build.h"
#include "cli/run/options.h"

struct run_judge {
    const struct run_options *given;
    struct symbolizer *symbolizer;
};

/*
 * The values of report= and judge= that the process itself used, so that it is judged as
 * it would be without `run`. In this order, the later ones win: the defaults that the
 * program registers, the THREADLEAK_OPTIONS that it found (if none: those of run), run's
 * command line, and the options that the program set. A process that sees its own end
 * judges that end by its own options.
 */
struct verdict_rules run_judge_rules(const struct run_judge *judge, const struct ledger *ledger);

#endif
