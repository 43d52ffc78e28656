/* The threads of a process whose creation its shim did not see. */
#include <stdio.h>

#include "base/array.h"
#include "base/fault.h"
#include "leak/process_build.h"
#include "stacks/stacks.h"

static struct thread_info *add(struct process_report *process, pid_t tid, const char *name)
{
    if (!ARRAY_GROW(process->untracked, process->untracked_count))
        return NULL;
    struct thread_info *thread = &process->untracked[process->untracked_count++];
    *thread = (struct thread_info){.tid = tid, .age_s = -1, .ended_s = -1, .cpu_s = -1};
    snprintf(thread->name, sizeof(thread->name), "%s", name);
    return thread;
}

/* One of these tasks may be a tracked thread that had not begun, so its tid was unknown. */
static size_t without_not_begun(const struct build *build, size_t count)
{
    uint64_t oldest_ns;
    size_t not_begun = thread_index_not_begun(&build->evidence->threads, &oldest_ns);
    return count > not_begun ? count - not_begun : 0;
}

static bool add_from_core(struct build *build)
{
    struct process_report *process = &build->process;
    const struct thread_index *known = &build->evidence->threads;
    const struct stacks *stacks = process->stacks;
    for (size_t i = 0; stacks && i < stacks->count; i++) {
        const struct thread_stack *current = &stacks->threads[i];
        if (current->tid == process->pid || thread_index_find(known, current->tid) ||
            thread_index_find_handle(known, current->handle))
            continue;
        struct thread_info *thread = add(process, current->tid, "");
        if (!thread)
            return false;
        thread->current = current;
    }
    process->untracked_count = without_not_begun(build, process->untracked_count);
    process->counts.untracked = process->untracked_count;
    return true;
}

static bool add_live(struct build *build)
{
    const struct task_list *untracked = &build->evidence->untracked;
    for (size_t i = 0; i < untracked->count; i++) {
        const struct task *task = &untracked->tasks[i];
        struct thread_info *thread = add(&build->process, task->tid, task->name);
        if (!thread)
            return false;
        build_add_task(build, task, thread);
    }
    build->process.counts.untracked = untracked->count;
    return true;
}

/* The shim listed them at the end. Other threads may have begun after that. */
static bool add_ended(struct build *build)
{
    const struct ledger_header *header = build->header;
    struct process_report *process = &build->process;
    size_t count = header->untracked_count;
    size_t listed = count < LEDGER_UNTRACKED_MAX ? count : LEDGER_UNTRACKED_MAX;
    for (size_t i = 0; i < listed; i++) {
        pid_t tid = header->untracked[i].tid;
        if (thread_index_find(&build->evidence->threads, tid)) {
            count--;
            continue;
        }
        struct thread_info *thread = add(process, tid, header->untracked[i].name);
        if (!thread)
            return false;
        thread->current = stacks_find(process->stacks, tid);
    }
    /* In the order of /proc, with the youngest last. */
    count = without_not_begun(build, count);
    if (process->untracked_count > count)
        process->untracked_count = count;
    process->counts.untracked = count;
    return true;
}

static bool add_all(struct build *build)
{
    if (build->evidence->core)
        return add_from_core(build);
    if (build->evidence->tasks.count)
        return add_live(build);
    return !build->header || !(build->header->flags & LEDGER_SAMPLED) || add_ended(build);
}

/* The shim records the first one. */
static void add_fault(struct build *build)
{
    const struct ledger_fault *fault = &build->header->fault;
    const char *name = fault_name(fault->signal);
    for (size_t i = 0; name && i < build->process.untracked_count; i++) {
        struct thread_info *thread = &build->process.untracked[i];
        if (thread->tid != fault->tid)
            continue;
        thread->fault = name;
        thread->fault_at = stack_function(build->evidence->ledger, build->rules->symbolizer, fault->pc);
    }
}

bool build_untracked(struct build *build)
{
    bool done = add_all(build);
    if (done && build->header)
        add_fault(build);
    return done;
}
