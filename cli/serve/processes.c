#include "cli/serve/processes.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "proc/file.h"
#include "proc/process.h"

enum process_access process_look(pid_t pid, bool all_users, struct listed_process *process)
{
    struct task_stat stat;
    *process = (struct listed_process){.pid = pid, .access = PROCESS_NONE};
    if (!task_stat_read(pid, 0, &stat) || !task_status_read(pid, 0, &process->status) ||
        (task_state_is_end(stat.state) && !process_exists(pid)))
        return PROCESS_NONE;
    process->start = stat.start_ticks;
    bool is_ours = process->status.user == (long)getuid();
    return process->access = all_users || is_ours ? PROCESS_SERVED : PROCESS_OF_ANOTHER_USER;
}

static int compare(const void *left, const void *right)
{
    const struct listed_process *a = left, *b = right;
    return (a->pid > b->pid) - (a->pid < b->pid);
}

bool processes_list(struct listed_processes *list, bool all_users)
{
    struct listed_process process;
    bool done = true;
    *list = (struct listed_processes){.count = 0};
    DIR *directory = opendir("/proc");
    if (!directory)
        return false;
    for (long pid; done && (pid = proc_next_number(directory)) >= 0;) {
        if (pid == getpid() || process_look((pid_t)pid, all_users, &process) == PROCESS_NONE)
            continue;
        done = ARRAY_GROW(list->items, list->count);
        if (done)
            list->items[list->count++] = process;
    }
    closedir(directory);
    if (list->count)
        qsort(list->items, list->count, sizeof(*list->items), compare);
    return done;
}

void processes_release(struct listed_processes *list)
{
    free(list->items);
}

int64_t processes_tasks_of(const struct listed_processes *list, long user)
{
    int64_t tasks = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].status.user == user && list->items[i].status.threads > 0)
            tasks += list->items[i].status.threads;
    return tasks;
}
