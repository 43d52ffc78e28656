#include "leak/process_build.h"

void build_add_task(const struct build *build, const struct task *task, struct thread_info *thread)
{
    memcpy(thread->name, task->name, sizeof(thread->name));
    thread->state = task->state;
    thread->cpu_s = task->cpu_s;
    thread->current = stacks_find(build->process.stacks, task->tid);
}
