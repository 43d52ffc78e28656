/* How much memory the stacks of a live process's threads take. Nothing is stopped. */
#ifndef THREADLEAK_EVIDENCE_STACK_BYTES_H
#define THREADLEAK_EVIDENCE_STACK_BYTES_H

#include <stdint.h>
#include <sys/types.h>

#include "ledger/ledger.h"

struct stack_bytes {
    int64_t reserved; /* address space; < 0: unknown */
    int64_t resident; /* pages that are in memory or swapped out; < 0: unknown */
    int64_t mappings; /* of the whole process; < 0: unknown */
};

/*
 * Of the tracked threads that are alive or unjoined, whose handles are in `threads`. A stack is the mapping
 * in which glibc's descriptor of its thread is, so memory that the program gave to a thread counts only if it
 * is a mapping of its own. Pages below 2 MiB of a stack that are not in use are not looked for.
 */
void stack_bytes_read(struct stack_bytes *bytes, pid_t pid, const struct thread_index *threads);

#endif
