/* The creation stack of a leak group, and its fingerprint. */
#ifndef THREADLEAK_LEAK_CREATION_STACK_H
#define THREADLEAK_LEAK_CREATION_STACK_H

#include "leak/model.h"

/* Sets stack, stack_count and user_frame of the group.  False: out of memory. */
bool stack_build(const struct ledger *ledger, struct symbolizer *symbolizer, const ledger_pc *frames,
                 uint32_t count, struct leak_group *group);

/* Adds a piece to a hash: FNV-1a. */
#define STACK_HASH_EMPTY 0xcbf29ce484222325ull
uint64_t stack_hash(uint64_t hash, const char *text, size_t length);

/* Sets the group's fingerprint from its kind and stack. */
void stack_fingerprint(struct leak_group *group);

#endif
