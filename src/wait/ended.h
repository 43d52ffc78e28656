/* Has the owner of a lock of libc ended? libc keeps its descriptor, not its tid. Judges data alone. */
#ifndef THREADLEAK_WAIT_ENDED_H
#define THREADLEAK_WAIT_ENDED_H

#include "nptl/nptl.h"
#include "proc/own_tids.h"
#include "wait/glibc.h"

/* Each member was read after the one before it. */
struct ended_facts {
    const struct snapshot *snapshot;
    const struct own_tids *own_tids;
    struct glibc_recursive_lock then; /* when the thread that waits for it was stopped */
    int32_t tid;                      /* in the owner's descriptor: <= 0 when it is of no thread */
    const struct nptl_thread *listed; /* glibc's threads */
    size_t listed_count;
    struct glibc_recursive_lock now;
};

/* False: it lives, or it is not known. An owner that unlocks and ends after the stop has ended, too, but not
 * with the lock. A thread of the system call clone can have the descriptor of a thread that has ended, and
 * glibc does not list it. */
bool ended_with_lock(const struct ended_facts *facts);

#endif
