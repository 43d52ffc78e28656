#include "evidence/sleeps.h"

#include <stdlib.h>

#include "proc/tasks.h"

static const struct sleep *find(const struct sleeps *sleeps, const struct task *task)
{
    const struct sleep *found = sleeps->count ? bsearch(&task->tid, sleeps->items, sleeps->count,
                                                        sizeof(*sleeps->items), compare_tids)
                                              : NULL;
    return found && found->start_ticks == task->start_ticks && found->runs == task->runs ? found : NULL;
}

/* Without the number of runs it is not known whether it slept all the time. */
static bool sleeps_now(const struct task *task)
{
    return (task->state == 'S' || task->state == 'D') && task->start_ticks && task->runs;
}

bool sleeps_read(struct sleeps *sleeps, pid_t pid, uint64_t now_ns)
{
    struct task_list list;
    struct sleeps now = {.count = 0};
    if (!process_tasks(pid, &list))
        return false;
    now.items = calloc(list.count + 1, sizeof(*now.items));
    for (size_t i = 0; now.items && i < list.count; i++) {
        const struct task *task = &list.tasks[i];
        const struct sleep *before = find(sleeps, task);
        if (sleeps_now(task))
            now.items[now.count++] =
                (struct sleep){task->tid, task->start_ticks, task->runs, before ? before->since_ns : now_ns};
    }
    task_list_release(&list);
    if (!now.items)
        return false;
    sleeps_release(sleeps);
    *sleeps = now;
    return true;
}

void sleeps_release(struct sleeps *sleeps)
{
    free(sleeps->items);
    *sleeps = (struct sleeps){.items = NULL};
}
