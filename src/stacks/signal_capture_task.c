#include "stacks/signal_capture_task.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "proc/file.h"

/* These return after any signal that is handled. */
static bool waits_for_signals(long call)
{
#ifdef SYS_pause
    if (call == SYS_pause)
        return true;
#endif
    return call == SYS_rt_sigtimedwait || call == SYS_rt_sigsuspend;
}

bool task_may_wait_for_signals(pid_t pid, pid_t tid, char state)
{
    char text[256];
    if (state == 'R')
        return false;
    if (proc_read(PROC_PATH("%d/task/%d/syscall", pid, tid), text, sizeof(text)) > 0)
        return *text != 'r' && *text != '-' && waits_for_signals(strtol(text, NULL, 10));
    /* Yama hides that file, but not wchan. */
    if (proc_read(PROC_PATH("%d/task/%d/wchan", pid, tid), text, sizeof(text)) <= 0 || strcmp(text, "0") == 0)
        return true;
    return strstr(text, "sigtimedwait") || strstr(text, "sys_pause") || strstr(text, "sigsuspend");
}

uint64_t task_stack_pointer(pid_t pid, pid_t tid)
{
    char text[256];
    if (proc_read(PROC_PATH("%d/task/%d/syscall", pid, tid), text, sizeof(text)) <= 0)
        return 0;
    /* "number six arguments sp pc", "-1 sp pc" or "running" */
    char *last = strrchr(text, ' ');
    if (!last)
        return 0;
    *last = 0;
    last = strrchr(text, ' ');
    return last ? strtoull(last, NULL, 16) : 0;
}
