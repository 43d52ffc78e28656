/* A process that is being added to a report. Private to the files that build it. */
#ifndef THREADLEAK_LEAK_PROCESS_BUILD_H
#define THREADLEAK_LEAK_PROCESS_BUILD_H

#include "leak/build.h"

struct build {
    const struct evidence *evidence;
    const struct ledger_header *header; /* NULL: not watched */
    const struct verdict_rules *rules;
    struct process_report process;
};

/* Facts about a live thread from /proc and the current stacks. */
void build_add_task(const struct build *build, const struct task *task, struct thread_info *thread);
/* Groups the threads that are alive or unjoined, and judges the groups. False: out of memory. */
bool build_groups(struct build *build);
/* Adds the threads whose creation the shim did not see. False: out of memory. */
bool build_untracked(struct build *build);

#endif
