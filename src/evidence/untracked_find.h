/* The tasks of a live process that its ledger does not explain. */
#ifndef THREADLEAK_EVIDENCE_UNTRACKED_FIND_H
#define THREADLEAK_EVIDENCE_UNTRACKED_FIND_H

#include "evidence/evidence.h"

/* Fills evidence->untracked from evidence->tasks; needs pid, ledger and threads. Reads the tasks and the
 * ledger again until nothing changes. False: out of memory. */
bool untracked_find(struct evidence *evidence);

#endif
