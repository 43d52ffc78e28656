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
extern struct suppressions *leak_suppressions;
extern struct report *leak_report;
extern struct verdict_rules rules;
extern uint32_t app, lib, self; /* modules; self: this program, whose functions can be named */

void leak_setup(void);
void leak_teardown(void);
/* The same with a search for findings. */
void find_setup(void);

uint32_t site_at(uint64_t offset);
uint32_t add_thread(uint32_t site, uint32_t state);

/* Code of this program that frames can lie in. */
void first_user_function(void);
void second_user_function(void);
/* Where a call made at the beginning of the function would return to. */
ledger_pc pc_in(void (*function)(void));

/* What is collected from the ledger of an ended process, to be changed by the test. */
struct evidence made_evidence(void);
void made_task(struct task_list *list, const struct task *task);
/* Adds it to the leak_report; judge() finishes that, too: its first process, or NULL. */
void add_evidence(struct evidence *evidence);
const struct process_report *judge(struct evidence *evidence);

/* The same of a process that ended so. */
void add(const struct process_end *end);
const struct process_report *build(const struct process_end *end);
/* An ordinary, judged end. */
const struct process_report *build_exit(void);

/* Of a process with one, which has this code; and of one with none. A process without anything to report is
 * not there. */
const struct finding *only_finding(const struct process_report *process, enum finding_code code);
void no_finding(const struct process_report *process);

/* Of a process with one. */
const struct thread_info *the_thread(const struct process_report *process);

#endif
