/* A core file, opened: its snapshot, unwinder, symbolizer and ledger. */
#ifndef CORE_OPENED_H
#define CORE_OPENED_H

#include <check.h>
#include <stdbool.h>

#include "core/core.h"
#include "core_child.h"
#include "ledger/ledger.h"
#include "symbolize/symbolize.h"
#include "unwind/unwind.h"

void core_set_up(void);
/* Fails the test where it cannot be opened; but ledger_status says how its ledger was. */
void open_core(const char *path);
void close_core(void);
void core_tear_down(void);
const struct stack *stack_of(bool the_main_one);
const char *names(const struct stack *stack, const char *last, const char *from_file);
/* Both stacks of tests/targets/unwind_chain.c have all their functions, with that file as their source. */
void assert_whole(const char *from_file);
void assert_ledger(void);
char *small_core(enum core_maker maker, unsigned how);

extern struct core_file *core;
extern struct snapshot *snapshot;
extern struct unwinder *unwinder;
extern struct ledger *ledger;
extern struct error ledger_error;
extern enum ledger_open_status ledger_status;

#endif
