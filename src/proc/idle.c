#include "proc/idle.h"

#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/search.h"
#include "proc/file.h"
#include "proc/status.h"
#include "proc/tasks.h"

#define MAX_THREADS 2000
#define OWN_SCHED "/proc/thread-self/sched"

/* In milliseconds of the scheduler's clock; < 0: unknown. */
static double last_run(const char *path)
{
    char text[512]; /* the third line has it */
    const char *at = proc_read(path, text, sizeof(text)) > 0 ? strstr(text, "\nse.exec_start") : NULL;
    at = at ? strchr(at, ':') : NULL;
    return at ? atof(at + 1) : -1;
}

/*
 * Each processor has its own clock for the times in the file, which omits the time of hypervisor and
 * interrupts. These clocks differ by seconds. So this thread runs on each processor to read its clock.
 */
struct clocks {
    cpu_set_t before;
    bool known[CPU_SETSIZE];
    double ahead_ms[CPU_SETSIZE]; /* of CLOCK_MONOTONIC; below -1e17: could not be read */
};

static double monotonic_ms(void)
{
    return (double)now_ns() / 1e6;
}

/* < 0: unknown. */
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

/* < 0: unknown */
static double idle_seconds(struct clocks *clocks, pid_t pid, pid_t tid)
{
    struct task_stat stat;
    double then = last_run(PROC_PATH("%d/task/%d/sched", pid, tid));
    double now = task_stat_read(pid, tid, &stat) ? clock_of(clocks, stat.processor) : -1;
    return then >= 0 && now >= then ? (now - then) / 1000 : -1;
}

void idle_times_read(struct idle_times *times, pid_t pid)
{
    memset(times, 0, sizeof(*times));
    struct clocks clocks = {.known = {false}};
    bool can = last_run(OWN_SCHED) >= 0 && sched_getaffinity(0, sizeof(clocks.before), &clocks.before) == 0;
    DIR *directory = can ? opendir(PROC_PATH("%d/task", pid)) : NULL;
    for (long tid; directory && (tid = proc_next_number(directory)) >= 0;) {
        if (times->count == MAX_THREADS) {
            times->count = 0;
            break;
        }
        double seconds = idle_seconds(&clocks, pid, (pid_t)tid);
        if (seconds >= 0 && ARRAY_GROW(times->items, times->count))
            times->items[times->count++] = (struct idle_time){(pid_t)tid, seconds};
    }
    if (directory) {
        closedir(directory);
        sched_setaffinity(0, sizeof(clocks.before), &clocks.before);
    }
    times->count = sort_tids(times->items, times->count, sizeof(*times->items));
}

void idle_times_release(struct idle_times *times)
{
    free(times->items);
    memset(times, 0, sizeof(*times));
}

double idle_time_of(const struct idle_times *times, pid_t tid)
{
    size_t at = SEARCH_FIRST(i, times->count, times->items[i].tid >= tid);
    return at < times->count && times->items[at].tid == tid ? times->items[at].seconds : -1;
}
