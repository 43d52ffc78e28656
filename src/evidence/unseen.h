/*
 * Finds threads that were detached, joined or ended past every hook, by glibc's descriptors in the memory of
 * the process (ledger_proved() in ledger.h). It adds such states to the slots of the index. If memory
 * cannot be read, or is short, the states stay as recorded.
 */
#ifndef THREADLEAK_EVIDENCE_UNSEEN_H
#define THREADLEAK_EVIDENCE_UNSEEN_H

#include <sys/types.h>

#include "core/core.h"
#include "ledger/ledger.h"

/* A live process, which need not be stopped. `pid` in the pid namespace of this program. */
void unseen_in_process(struct thread_index *index, pid_t pid, const struct ledger_header *header);
/* What the core file has of the process. */
void unseen_in_core(struct thread_index *index, const struct core_file *core,
                    const struct ledger_header *header);

#endif
