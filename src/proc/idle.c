#include "proc/idle.h"

#include <dirent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_THREADS 2000
#define OWN_SCHED "/proc/thread-self/sched"

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

/* The processor that a thread ran on last; -1: not known. */
static int last_cpu(pid_t pid, pid_t tid)
{
    char path[80], line[1024];
    int cpu = -1;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
    FILE *file = fopen(path, "re");
    char *at = file && fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
    for (int field = 2; at && field < 39; field++) /* proc(5): field 2 is the name, 39 the processor */
        at = strchr(at + 1, ' ');
    if (at)
        cpu = atoi(at);
    if (file)
        fclose(file);
    return cpu;
}

/*
 * Each processor has a clock of its own there, of which time that a hypervisor or
 * interrupts took is left out: they drift apart by seconds.  So it is read on each of them.
 */
struct clocks {
    cpu_set_t before;
    bool known[CPU_SETSIZE];
    double ahead_ms[CPU_SETSIZE]; /* of CLOCK_MONOTONIC; below -1e17: could not be read */
};

static double monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* < 0: not to be had. */
static double clock_of(struct clocks *clocks, int cpu)
{
    cpu_set_t one;
    if (cpu < 0 || cpu >= CPU_SETSIZE)
        return -1;
    if (!clocks->known[cpu]) {
        clocks->known[cpu] = true;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        double there = sched_setaffinity(0, sizeof(one), &one) == 0 ? last_run(OWN_SCHED) : -1;
        clocks->ahead_ms[cpu] = there < 0 ? -1e18 : there - monotonic_ms();
    }
    return monotonic_ms() + clocks->ahead_ms[cpu];
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
    struct clocks clocks = {.known = {false}};
    bool can = last_run(OWN_SCHED) >= 0 && sched_getaffinity(0, sizeof(clocks.before), &clocks.before) == 0;
    DIR *directory = can ? opendir(path) : NULL;
    times->items = directory ? calloc(MAX_THREADS, sizeof(*times->items)) : NULL;
    for (struct dirent *entry; times->items && (entry = readdir(directory));) {
        pid_t tid = (pid_t)atoi(entry->d_name);
        if (tid <= 0)
            continue;
        if (times->count == MAX_THREADS) {
            times->count = 0;
            break;
        }
        snprintf(path, sizeof(path), "/proc/%d/task/%d/sched", (int)pid, (int)tid);
        double then = last_run(path), now = clock_of(&clocks, last_cpu(pid, tid));
        if (then >= 0 && now >= then)
            times->items[times->count++] = (struct idle_time){tid, (now - then) / 1000};
    }
    if (directory) {
        closedir(directory);
        sched_setaffinity(0, sizeof(clocks.before), &clocks.before);
    }
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
