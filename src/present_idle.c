#include "present_idle.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_THREADS 2000

/* In milliseconds of the scheduler's clock; < 0: not told. */
static double last_run(const char *path)
{
    char line[256];
    double ms = -1;
    FILE *file = fopen(path, "re");
    while (file && ms < 0 && fgets(line, sizeof(line), file))
        if (strncmp(line, "se.exec_start", 13) == 0 && strchr(line, ':'))
            ms = atof(strchr(line, ':') + 1);
    if (file)
        fclose(file);
    return ms;
}

static int compare(const void *left, const void *right)
{
    const struct idle_time *a = left, *b = right;
    return (a->tid > b->tid) - (a->tid < b->tid);
}

void idle_times_read(struct idle_times *times, pid_t pid)
{
    char path[80];
    memset(times, 0, sizeof(*times));
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *folder = last_run("/proc/self/sched") < 0 ? NULL : opendir(path);
    times->items = folder ? calloc(MOST_THREADS, sizeof(*times->items)) : NULL;
    for (struct dirent *entry; times->items && (entry = readdir(folder));) {
        pid_t tid = (pid_t)atoi(entry->d_name);
        if (tid <= 0)
            continue;
        if (times->count == MOST_THREADS) {
            times->count = 0;
            break;
        }
        snprintf(path, sizeof(path), "/proc/%d/task/%d/sched", (int)pid, (int)tid);
        double then = last_run(path), now = last_run("/proc/self/sched"); /* we run: that is now */
        if (then >= 0 && now >= then)
            times->items[times->count++] = (struct idle_time){tid, (now - then) / 1000};
    }
    if (folder)
        closedir(folder);
    if (times->count)
        qsort(times->items, times->count, sizeof(*times->items), compare);
}

void idle_times_release(struct idle_times *times)
{
    free(times->items);
    memset(times, 0, sizeof(*times));
}

double idle_time_of(const struct idle_times *times, pid_t tid)
{
    const struct idle_time key = {.tid = tid};
    const struct idle_time *found =
        times->count ? bsearch(&key, times->items, times->count, sizeof(key), compare) : NULL;
    return found ? found->seconds : -1;
}
