#include "evidence/untracked.h"

#include <stdlib.h>
#include <string.h>

#define OLD_SECONDS 5

void untracked_keep(struct task_list *tasks, pid_t main_tid, const struct thread_index *index)
{
    size_t kept = 0;
    for (size_t i = 0; i < tasks->count; i++)
        if (tasks->tasks[i].tid != main_tid && !thread_index_find(index, tasks->tasks[i].tid))
            tasks->tasks[kept++] = tasks->tasks[i];
    tasks->count = kept;
}

/* Keeps the later name. Keeps the state from before the stop, which the stop changes. */
static void keep(struct task *to, const struct task *before, const struct task *again)
{
    char state = before->state;
    *to = *again;
    to->state = state;
}

void untracked_keep_lasting(struct task_list *tasks, const struct task_list *again, pid_t end_tid)
{
    size_t kept = 0;
    for (size_t i = 0; i < tasks->count; i++) {
        const struct task *task = task_list_find(again, tasks->tasks[i].tid);
        if (task && task->start_ticks == tasks->tasks[i].start_ticks && task->state != 'X' &&
            task->state != 'Z' && task->tid != end_tid)
            keep(&tasks->tasks[kept++], &tasks->tasks[i], task);
    }
    tasks->count = kept;
}

static bool is_older(const struct task *task, const struct read_times *now, uint64_t seconds)
{
    return task->start_ticks / now->ticks_per_s + seconds < now->boot_s;
}

bool untracked_are_old(const struct task_list *tasks, const struct read_times *now)
{
    for (size_t i = 0; i < tasks->count; i++)
        if (!is_older(&tasks->tasks[i], now, OLD_SECONDS))
            return false;
    return true;
}

static int compare_youth(const void *left, const void *right)
{
    const struct task *a = left, *b = right;
    if (a->start_ticks != b->start_ticks)
        return a->start_ticks > b->start_ticks ? -1 : 1;
    return (a->tid < b->tid) - (a->tid > b->tid);
}

void untracked_leave_out_not_begun(struct task_list *tasks, const struct thread_index *index,
                                   const struct read_times *now)
{
    uint64_t oldest_ns;
    size_t left_out = 0, most = thread_index_not_begun(index, &oldest_ns);
    uint64_t oldest_age = now->clock_s - oldest_ns / 1000000000u;
    if (most > tasks->count)
        most = tasks->count;
    if (!most)
        return;
    qsort(tasks->tasks, tasks->count, sizeof(*tasks->tasks), compare_youth);
    while (left_out < most && !is_older(&tasks->tasks[left_out], now, oldest_age + OLD_SECONDS))
        left_out++;
    tasks->count -= left_out;
    memmove(tasks->tasks, tasks->tasks + left_out, tasks->count * sizeof(*tasks->tasks));
    qsort(tasks->tasks, tasks->count, sizeof(*tasks->tasks), compare_tids);
}
