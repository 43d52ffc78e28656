#include "proc/tracer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "proc/file.h"
#include "proc/status.h"

#define REST_MS 5

long tracer_scope(void)
{
    return proc_read_number(PROC_PATH("sys/kernel/yama/ptrace_scope"), 0);
}

void tracer_name(pid_t tracer, char *name, size_t size)
{
    struct task_stat stat;
    snprintf(name, size, "%s", task_stat_read(tracer, 0, &stat) ? stat.name : "?");
}

bool tracer_is_ours(pid_t tracer)
{
    struct task_stat stat;
    return task_stat_read(tracer, 0, &stat) && strcmp(stat.name, "threadleak") == 0;
}

int tracer_take_turn(pid_t pid, unsigned ms)
{
    int fd = open(PROC_PATH("%d", pid), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned waited = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && waited < ms; waited += REST_MS)
        nanosleep(&(struct timespec){0, REST_MS * 1000000}, NULL);
    return fd;
}
