/* Counts the tasks of the process. */
#ifndef THREADLEAK_PRELOAD_SHIM_TASKS_H
#define THREADLEAK_PRELOAD_SHIM_TASKS_H

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "preload/shim/state.h"
#include "preload/shim/sys.h"

/* unshare(2): while the process has one thread, it succeeds and has no effect. The first look into its
 * directory in /proc takes 50 times as long, and at a fork and an end there is mostly one. A filter of system
 * calls could end the program for it, or for prctl(). So the first prctl() is where the ledger is made
 * (filter.c); under `threadleak run` a program has called mknodat() at its start, which is rarer. Valgrind
 * may not know unshare.
 */
static inline bool shim_is_single_threaded(void)
{
    bool may_ask = *shim_config.run_dir || (shim_state && shim_state->header);
    return may_ask && !shim_config.no_reporter && SYS1(prctl, PR_GET_SECCOMP) == 0 &&
           SYS1(unshare, CLONE_THREAD) == 0;
}

/* 0: not known. The directory of tasks has two links, and one for each task (fs/proc/base.c,
 * proc_task_getattr). */
static inline uint32_t shim_count_tasks(void)
{
    struct stat status = {0};
    if (!shim_config.sandboxed && shim_is_single_threaded())
        return 1;
    if (shim_config.sandboxed || SYS4(newfstatat, AT_FDCWD, "/proc/self/task", &status, 0) != 0)
        return 0;
    return status.st_nlink > 2 ? (uint32_t)status.st_nlink - 2 : 0;
}

#endif
