/* Between the parts of build.c: one process that is being added to a report. */
#ifndef THREADLEAK_LEAK_PROCESS_BUILD_H
#define THREADLEAK_LEAK_PROCESS_BUILD_H

#include "leak/build.h"

struct build {
    const struct evidence *evidence;
    const struct ledger_header *header; /* NULL: not watched */
    const struct verdict_rules *rules;
    struct process_report process;
};

/* What /proc and the current stacks know of a thread that is alive. */
void build_add_task(const struct build *build, const struct task *task, struct thread_info *thread);
/* The threads that are alive or unjoined, grouped, with the verdict.  False: out of memory. */
bool build_groups(struct build *build);
/* The threads whose creation the shim did not see.  False: out of memory. */
bool build_untracked(struct build *build);

#endif
