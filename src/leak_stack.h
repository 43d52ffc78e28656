/* The stack of a leak group: from the ledger's addresses to frames. */
#ifndef THREADLEAK_LEAK_STACK_H
#define THREADLEAK_LEAK_STACK_H

#include "leak.h"

/* The frames at an address of the ledger; at least one. */
const struct frame_list *stack_frames(const struct ledger *ledger, struct symbolizer *symbolizer,
                                      ledger_pc pc, bool is_return_address);

/* Is it libc's code that starts the program? */
bool stack_is_start_up(const struct frame *frame);
/* What called that is start-up code, too, whatever its name. */
void stack_mark_start_up(struct frame *frames, size_t count);

/* The call before a return address, the innermost one where calls were inlined;
 * NULL: not known. */
const struct frame *stack_call(const struct ledger *ledger, struct symbolizer *symbolizer, ledger_pc pc);

/* The function that begins at an address, not what was inlined into its
 * beginning; NULL: not known. */
const struct frame *stack_function(const struct ledger *ledger, struct symbolizer *symbolizer, ledger_pc pc);

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
