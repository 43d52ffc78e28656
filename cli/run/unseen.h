/* Programs of a run that are not known to have reported in. */
#ifndef THREADLEAK_CLI_RUN_UNSEEN_H
#define THREADLEAK_CLI_RUN_UNSEEN_H

#include "leak/model.h"
#include "cli/run/ledgers.h"

struct run_place {
    const char *directory;
    bool strict;
    const struct run_ledgers *ledgers; /* that were read of it */
};

/* Adds to ledgers->unwatched, with copies of the strings.  False: out of memory. */
bool run_unseen_add(struct run_ledgers *ledgers, pid_t pid, const char *name, const char *exe,
                    enum unwatched_why why);

/* Has this process reported in since the directory was read?  One that is being loaded
 * is waited for, up to 2 s. */
bool run_unseen_arrives(const struct run_place *place, pid_t pid);

#endif
