/* The creation stack of a leak group, and the fingerprint that follows from it. */
#ifndef THREADLEAK_LEAK_CREATION_STACK_H
#define THREADLEAK_LEAK_CREATION_STACK_H

#include "leak/model.h"

/* Fills in stack, stack_count and own of the group.  False: out of memory. */
bool stack_build(const struct ledger *ledger, struct symbolizer *symbolizer, const ledger_pc *frames,
                 uint32_t count, struct leak_group *group);

/* A hash with one piece more: FNV-1a. */
#define STACK_HASH_EMPTY 0xcbf29ce484222325ull
uint64_t stack_hash(uint64_t hash, const char *text, size_t length);

/* From kind and stack: functions and modules, no lines and no addresses, so
 * that it stays the same over runs and rebuilds; nor start-up frames, whose
 * names depend on libc and its symbols. */
void stack_fingerprint(struct leak_group *group);

#endif
