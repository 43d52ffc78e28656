/* A target that runs, and the stacks of a snapshot of it. */
#ifndef UNWIND_TARGET_H
#define UNWIND_TARGET_H

#include <check.h>
#include <stdbool.h>
#include <sys/types.h>

#include "snapshot/snapshot.h"
#include "symbolize/symbolize.h"
#include "unwind/unwind.h"

const char *target_path(const char *name);
/* Returns when it has said that it is ready. */
pid_t run_target(const char *path);
pid_t start_target(const char *name);
void open_target(pid_t pid);
void close_target(void);
void end_target(pid_t pid);
const struct stack *target_stack(pid_t tid);
const struct stack *target_stack_of_other(pid_t pid);
const char *target_plain_name(const char *name);
const char *target_name_of(const struct code_address *address);
const char *target_names(const struct stack *stack, const char *last, const char *module);
void assert_begins(const struct stack *stack, const char *first_function);
void assert_chain(const char *name, const char *names_from);
extern struct snapshot *target_snapshot;
extern struct unwinder *target_unwinder;
extern struct symbolizer *target_symbolizer;

#endif
