#include "proc/idle.h"

#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "proc/file.h"

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

/* Seconds since the task began, by a clock of 10 ms. */
static double life_of(const struct task *task)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    double life = (double)now.tv_sec + (double)now.tv_nsec / 1e9 -
                  (double)task->start_ticks / (double)sysconf(_SC_CLK_TCK);
    return life > 0 ? life : 0;
}

/* < 0: unknown, also before the task has run for the first time. */
static double idle_seconds(struct clocks *clocks, pid_t pid, const struct task *task)
{
    double then = last_run(PROC_PATH("%d/task/%d/sched", pid, task->tid));
    double now = then > 0 ? clock_of(clocks, task->processor) : -1, life = life_of(task);
    if (now < then || then <= 0)
        return -1;
    return (now - then) / 1000 < life ? (now - then) / 1000 : life;
}

void task_list_set_idle(struct task_list *list, pid_t pid)
{
    struct clocks clocks = {.known = {false}};
    if (list->count > MAX_THREADS || last_run(OWN_SCHED) < 0 ||
        sched_getaffinity(0, sizeof(clocks.before), &clocks.before) != 0)
        return;
    for (size_t i = 0; i < list->count; i++)
        list->tasks[i].idle_s = idle_seconds(&clocks, pid, &list->tasks[i]);
    sched_setaffinity(0, sizeof(clocks.before), &clocks.before);
}
