/* Fills the report of a run with the processes of its ledgers and its tree. */
#ifndef THREADLEAK_CLI_RUN_FILL_H
#define THREADLEAK_CLI_RUN_FILL_H

#include "cli/run/ledgers.h"
#include "cli/run/options.h"
#include "leak/build.h"

struct run_judge {
    const struct run_options *given;
    struct symbolizer *symbolizer;
    struct snapshot_holds *holds; /* of run_fill_alive */
};

/* Adds every ledger. The report takes ownership of their stacks. False: error has the reason. */
bool run_fill_ledgers(struct report *report, struct run_ledgers *ledgers, const struct run_judge *judge,
                      struct error *error);

/* The same at a timeout: adds current stacks of live processes, and the processes of the tree that are not
 * watched. Each stays stopped until judge->holds are released. */
bool run_fill_alive(struct report *report, struct run_ledgers *ledgers, pid_t root, const char *directory,
                    const struct run_judge *judge, struct error *error);

#endif
