/* From /proc or a core alone to a part of the report: all threads but the main one are untracked. */
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "leak/process_build.h"

static bool list_core(struct build *build)
{
    struct process_report *process = &build->process;
    const struct stacks *current = process->stacks;
    for (size_t i = 0; current && i < current->count; i++)
        if (current->threads[i].tid != process->pid && !build_add_untracked(process, &current->threads[i]))
            return false;
    process->counts.untracked = process->untracked_count;
    return build_main(build);
}

static bool list_threads(struct build *build)
{
    struct process_report *process = &build->process;
    process->untracked = calloc(build->tasks.count, sizeof(*process->untracked));
    if (!process->untracked)
        return false;
    for (size_t i = 0; i < build->tasks.count; i++) {
        const struct task *task = &build->tasks.tasks[i];
        struct thread_info *thread = &process->untracked[process->untracked_count];
        if (task->tid == process->pid)
            continue;
        process->untracked_count++;
        *thread = (struct thread_info){.tid = task->tid, .age_s = -1, .ended_s = -1};
        build_look_at_task(build, task, thread);
    }
    process->counts.untracked = process->untracked_count;
    return build_main(build);
}

static char **read_argv(pid_t pid)
{
    char **block = process_argv(pid);
    size_t count = 0;
    while (block && block[count])
        count++;
    char **argv = block ? calloc(count + 1, sizeof(*argv)) : NULL;
    for (size_t i = 0; argv && i < count; i++)
        if (!(argv[i] = strdup(block[i])))
            break;
    process_argv_free(block);
    return argv;
}

bool report_add_unwatched(struct report *report, pid_t pid, struct stacks *current, struct error *error)
{
    struct build build = {.process = {.pid = pid,
                                      .parent_pid = process_parent(pid),
                                      .exe = process_exe(pid),
                                      .argv = read_argv(pid),
                                      .how = END_ALIVE,
                                      .live = true,
                                      .stacks = current}};
    build.have_tasks = process_tasks(pid, &build.tasks) && build.tasks.count;
    bool added = build.have_tasks && list_threads(&build) && build_append(report, &build);
    task_list_release(&build.tasks);
    if (added) {
        build_count(report, &build);
        return true;
    }
    error_set(error, build.have_tasks ? "out of memory" : "no process %d", (int)pid);
    process_report_release(&build.process);
    return false;
}

bool report_add_core(struct report *report, const struct core_file *core, struct stacks *current,
                     struct error *error)
{
    const struct known_end end = {.core = true, .pid = core->pid, .current = current};
    struct build build = {.end = &end,
                          .process = {.pid = core->pid,
                                      .parent_pid = core->parent_pid,
                                      .exe = *core->command ? strdup(core->command) : NULL,
                                      .how = core->signal ? END_SIGNAL : END_ALIVE,
                                      .signal = core->signal,
                                      .core = true,
                                      .stacks = current}};
    if (list_core(&build) && build_append(report, &build)) {
        build_count(report, &build);
        return true;
    }
    error_set(error, "out of memory");
    process_report_release(&build.process);
    return false;
}
