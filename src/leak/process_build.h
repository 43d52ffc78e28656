/* Between the parts of build.c: one process that is being added to a report. */
#ifndef THREADLEAK_LEAK_PROCESS_BUILD_H
#define THREADLEAK_LEAK_PROCESS_BUILD_H

#include "leak/build.h"
#include "proc/process.h"
#include "proc/tasks.h"

struct build {
    const struct ledger *ledger;
    const struct ledger_header *header;
    const struct known_end *end;
    const struct verdict_rules *rules;
    struct process_report process;
    struct task_list tasks;
    bool have_tasks;
    uint64_t now_ns; /* 0: unknown */
};

/* What /proc and the current stacks say of a thread that is alive. */
void build_look_at_task(const struct build *build, const struct task *task, struct thread_info *thread);
/* What is left, grouped, with the verdict.  False: out of memory. */
bool build_groups(struct build *build);
/* The tasks that the shim did not see created.  False: out of memory. */
bool build_untracked(struct build *build);
/* One more of them, that a core holds; NULL: out of memory. */
struct thread_info *build_add_untracked(struct process_report *process, const struct thread_stack *thread);
/* The main thread of a live process.  False: out of memory. */
bool build_main(struct build *build);
/* Into the report, and into its sum: a process once, however many programs it ran.  False: out of memory. */
bool build_append(struct report *report, const struct build *build);
void build_count(struct report *report, const struct build *build);

#endif
