/* What a live process has for threads: memory of their stacks, and limits on their number. */
#ifndef THREADLEAK_EVIDENCE_MEASURES_H
#define THREADLEAK_EVIDENCE_MEASURES_H

#include <stddef.h>

#include "evidence/stack_bytes.h"
#include "proc/thread_limits.h"

struct measures {
    struct stack_bytes stacks; /* each member < 0: unknown */
    struct thread_limit limits[THREAD_LIMITS];
    size_t limit_count;
};

/* Of a live process; `threads` is the index of its ledger, NULL: not watched, and its stacks are unknown.
 * Malloc'ed; NULL: out of memory. */
struct measures *measures_read(pid_t pid, const struct thread_index *threads);

#endif
