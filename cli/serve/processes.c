#include "cli/serve/processes.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "proc/file.h"
#include "proc/process.h"
#include "proc/status.h"

enum process_access process_access(pid_t pid, bool all_users, uint64_t *start)
{
    struct task_stat stat;
    struct task_status status;
    if (!process_exists(pid) || !task_stat_read(pid, 0, &stat) || !task_status_read(pid, 0, &status))
        return PROCESS_NONE;
    *start = stat.start_ticks;
    return all_users || status.user == (long)getuid() ? PROCESS_SERVED : PROCESS_OF_ANOTHER_USER;
}

static int compare(const void *a, const void *b)
{
    pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
    return (x > y) - (x < y);
}

bool served_list(struct served *served, bool all_users)
{
    bool done = true;
    uint64_t start;
    *served = (struct served){.count = 0};
    DIR *directory = opendir("/proc");
    if (!directory)
        return false;
    for (long pid; done && (pid = proc_next_number(directory)) >= 0;) {
        if (pid == getpid() || process_access((pid_t)pid, all_users, &start) != PROCESS_SERVED)
            continue;
        done = ARRAY_GROW(served->pids, served->count);
        if (done)
            served->pids[served->count++] = (pid_t)pid;
    }
    closedir(directory);
    if (served->count)
        qsort(served->pids, served->count, sizeof(*served->pids), compare);
    return done;
}

void served_release(struct served *served)
{
    free(served->pids);
}
