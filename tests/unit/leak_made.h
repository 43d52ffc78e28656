/* Reports of made-up ledgers. */
#ifndef LEAK_MADE_H
#define LEAK_MADE_H

#include "suppress/suppress.h"
#include "leak/build.h"
#include "ledger_fake.h"
#include "common/options.h"

#define SECOND 1000000000ull
#define EXITED(status) ((status) << 8)
#define KILLED(signal) (signal)

/* With how they end; running ones have not. */
enum { ALIVE = SLOT_STARTED, ENDED = SLOT_STARTED | SLOT_ENDED };

/* Of each test: an empty ledger of one program, and a report of nothing yet. */
extern struct fake *fake;
extern struct suppressions *suppressions;
extern struct report *report;
extern struct verdict_rules rules;
extern uint32_t app, lib, self; /* modules; self: this program, whose functions can be named */

void leak_setup(void);
void leak_teardown(void);

uint32_t site_at(uint64_t offset);
uint32_t thread(uint32_t site, uint32_t state);

/* Adds the ledger to the report; build() finishes that, too: its first process, or NULL. */
void add(const struct known_end *end);
const struct process_report *build(const struct known_end *end);
/* What is left at an ordinary, judged end. */
const struct process_report *build_exit(void);

#endif
