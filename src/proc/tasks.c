#include "proc/tasks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/parallel.h"
#include "proc/file.h"
#include "proc/status.h"

enum { MIN_PART = 500 /* threads that are worth a thread of our own: 10 us each */ };

static double age_of(uint64_t start_ticks)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    double age_s =
        (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)start_ticks / (double)sysconf(_SC_CLK_TCK);
    return age_s > 0 ? age_s : 0;
}

bool task_read(pid_t pid, pid_t tid, struct task *task)
{
    struct task_stat stat;
    char text[128];
    uint64_t ns;
    if (!task_stat_read(pid, tid, &stat))
        return false;
    *task = (struct task){.tid = tid,
                          .state = stat.state,
                          .idle_s = -1,
                          .processor = stat.processor,
                          .age_s = age_of(stat.start_ticks),
                          .start_ticks = stat.start_ticks};
    memcpy(task->name, stat.name, sizeof(task->name));
    task->cpu_s = (double)stat.cpu_ticks / (double)sysconf(_SC_CLK_TCK);
    /* "NS_ON_CPU NS_READY RUNS", if the kernel counts it. */
    if (proc_read(PROC_PATH("%d/task/%d/schedstat", pid, tid), text, sizeof(text)) > 0 &&
        sscanf(text, "%" SCNu64 " %*u %" SCNu64, &ns, &task->runs) == 2 && ns)
        task->cpu_s = (double)ns / 1e9;
    return true;
}

/* False: they cannot be listed, or out of memory. */
static bool list_tids(pid_t pid, struct task_list *list)
{
    bool ok = true;
    DIR *directory = opendir(PROC_PATH("%d/task", pid));
    if (!directory)
        return false;
    for (long tid; ok && (tid = proc_next_number(directory)) >= 0;) {
        ok = ARRAY_GROW(list->tasks, list->count);
        if (ok)
            list->tasks[list->count++] = (struct task){.tid = (pid_t)tid};
    }
    closedir(directory);
    if (!ok)
        errno = ENOMEM;
    return ok;
}

struct reading {
    pid_t pid;
    struct task *tasks;
};

/* One that has ended gets the tid 0. */
static void read_tasks(void *arg, size_t first, size_t end)
{
    const struct reading *reading = arg;
    for (size_t i = first; i < end; i++)
        if (!task_read(reading->pid, reading->tasks[i].tid, &reading->tasks[i]))
            reading->tasks[i].tid = 0;
}

static void keep_living(struct task_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->tasks[i].tid)
            list->tasks[kept++] = list->tasks[i];
    list->count = kept;
}

bool process_tasks(pid_t pid, struct task_list *list)
{
    *list = (struct task_list){NULL, 0};
    if (!list_tids(pid, list)) {
        task_list_release(list);
        return false;
    }
    struct reading reading = {pid, list->tasks};
    parallel_run(list->count, MIN_PART, read_tasks, &reading);
    keep_living(list);
    if (list->count == 0) { /* all of them ended */
        task_list_release(list);
        errno = ESRCH;
        return false;
    }
    qsort(list->tasks, list->count, sizeof(*list->tasks), compare_tids);
    return true;
}

void task_list_release(struct task_list *list)
{
    free(list->tasks);
    *list = (struct task_list){NULL, 0};
}

const struct task *task_list_find(const struct task_list *list, pid_t tid)
{
    return list->count ? bsearch(&tid, list->tasks, list->count, sizeof(*list->tasks), compare_tids) : NULL;
}

static bool has_memory(pid_t pid, pid_t tid)
{
    struct task_status status;
    return task_status_read(pid, tid, &status) && status.has_memory;
}

pid_t task_with_memory(pid_t pid)
{
    pid_t found = 0;
    if (has_memory(pid, 0))
        return pid;
    DIR *tasks = opendir(PROC_PATH("%d/task", pid));
    for (long tid; tasks && !found && (tid = proc_next_number(tasks)) >= 0;)
        if (has_memory(pid, (pid_t)tid))
            found = (pid_t)tid;
    if (tasks)
        closedir(tasks);
    return found ? found : pid;
}

/* ---- arrays that begin with a tid ---------------------------------------------------- */

int compare_tids(const void *a, const void *b)
{
    pid_t first = *(const pid_t *)a, second = *(const pid_t *)b;
    return (first > second) - (first < second);
}

size_t sort_tids(void *items, size_t count, size_t size)
{
    char *at = items;
    size_t kept = 0;
    if (count)
        qsort(items, count, size, compare_tids);
    for (size_t i = 0; i < count; i++)
        if (!kept || compare_tids(at + (kept - 1) * size, at + i * size) != 0)
            memmove(at + kept++ * size, at + i * size, size);
    return kept;
}
