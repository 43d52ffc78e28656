/*
 * Waits until the other threads of the process no longer move.  A thread that slept
 * at both of two readings, and was not scheduled between them, slept all the time
 * from the one to the other.  When that is true of all threads, none of them can
 * wake another one.
 */
#ifndef ASLEEP_H
#define ASLEEP_H

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tasks {
    int others, awake;
    unsigned long sum; /* of the tids, and how often each was scheduled */
};

/* Without stdio, which takes locks. */
__attribute__((unused)) static void add_task(struct tasks *tasks, int tid)
{
    static const char switches[] = "ctxt_switches:", state[] = "State:\t";
    char path[64], status[8192];
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);
    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return;
    status[length] = 0;
    const char *at = strstr(status, state);
    tasks->others++;
    tasks->awake += !at || at[sizeof(state) - 1] != 'S';
    tasks->sum += (unsigned long)tid * 1000003;
    for (at = status; (at = strstr(at, switches)); at += sizeof(switches))
        tasks->sum += strtoul(at + sizeof(switches) - 1, NULL, 10);
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
