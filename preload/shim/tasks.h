/* Counts the tasks of the process. */
#ifndef THREADLEAK_PRELOAD_SHIM_TASKS_H
#define THREADLEAK_PRELOAD_SHIM_TASKS_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

#include "preload/shim/state.h"
#include "preload/shim/sys.h"

/* 0: not known. The directory of tasks has two links, and one for each task (fs/proc/base.c,
 * proc_task_getattr). */
static inline uint32_t shim_count_tasks(void)
{
    struct stat status = {0};
    if (shim_config.sandboxed || SYS4(newfstatat, AT_FDCWD, "/proc/self/task", &status, 0) != 0)
        return 0;
    return status.st_nlink > 2 ? (uint32_t)status.st_nlink - 2 : 0;
}

#endif
