/*
 * Waits until the other threads of the process no longer move.  A thread that slept
 * at both of two readings, and was not scheduled between them, slept all the time
 * from the one to the other.  When that is true of all threads, none of them can
 * wake another one.
 */
#ifndef ASLEEP_H
#define ASLEEP_H

#include <dirent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct tasks {
    int others, awake;
    unsigned long sum; /* of the tids, and how often each was scheduled */
};

__attribute__((unused)) static void add_task(struct tasks *tasks, int tid)
{
    char path[64], line[128], state = 0;
    unsigned long value, switches = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
    FILE *status = fopen(path, "r");
    if (!status)
        return;
    while (fgets(line, sizeof(line), status)) {
        sscanf(line, "State: %c", &state);
        if (sscanf(line, "voluntary_ctxt_switches: %lu", &value) == 1 ||
            sscanf(line, "nonvoluntary_ctxt_switches: %lu", &value) == 1)
            switches += value;
    }
    fclose(status);
    tasks->others++;
    tasks->awake += state != 'S';
    tasks->sum += (unsigned long)tid * 1000003 + switches;
}

__attribute__((unused)) static struct tasks other_tasks(void)
{
    struct tasks tasks = {0, 0, 0};
    DIR *directory = opendir("/proc/self/task");
    if (!directory)
        abort();
    for (struct dirent *entry; (entry = readdir(directory));) {
        int tid = atoi(entry->d_name);
        if (tid != 0 && tid != gettid())
            add_task(&tasks, tid);
    }
    closedir(directory);
    return tasks;
}

/* It yields and does not sleep, so that nobody takes the caller for one that is asleep for good. */
__attribute__((unused)) static void await_asleep(void)
{
    struct tasks before = other_tasks(), now;
    for (;; before = now) {
        sched_yield();
        now = other_tasks();
        if (now.awake == 0 && before.awake == 0 && now.others == before.others && now.sum == before.sum)
            return;
    }
}

/* Until only the caller is left. */
__attribute__((unused)) static void await_alone(void)
{
    while (other_tasks().others > 0)
        sched_yield();
}

#endif
