/* Libraries that were unloaded, as the shim recorded them. Private to find/. */
#ifndef THREADLEAK_FIND_UNLOADED_H
#define THREADLEAK_FIND_UNLOADED_H

#include "find/site.h"

/* Each adds findings. False: out of memory. */
bool find_unloaded_stacks(struct find_context *context);
bool find_unloaded_starts(struct find_context *context);

/* The module of a code address. NULL: unknown. */
const struct ledger_module *unloaded_module_of(const struct find_context *context, ledger_pc pc);
/* "libplugin.so" */
const char *unloaded_name(const struct find_context *context, const struct ledger_module *module);
/* Nothing unloads the program itself. */
bool unloaded_is_program(const struct find_context *context, const struct ledger_module *module);
/* Was it unloaded after this thread began? id 0: an untracked thread, which may have begun at any time. */
bool unloaded_is_gone_for(const struct find_context *context, const struct ledger_module *module,
                          uint64_t id);
/* The name of a signal that the kernel sends to a thread that runs where no code is, or other code;
 * else NULL. */
const char *unloaded_signal(uint32_t signal);
/* Adds where it was unloaded, if that is known. False: out of memory. */
bool unloaded_add_fact(struct finding *finding, const struct find_context *context,
                       const struct ledger_module *module);
/* The name of the library that had code at this address, and was unloaded after the thread with this T-number
 * began; NULL: none. */
const char *unloaded_library(const struct find_context *context, uint64_t pc, uint64_t id);

#endif
