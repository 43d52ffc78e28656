/* The kernel's function in which a thread sleeps, in words: /proc/PID/task/TID/wchan (proc_pid_wchan(5)). */
#ifndef THREADLEAK_WAIT_WCHAN_H
#define THREADLEAK_WAIT_WCHAN_H

#include <sys/types.h>

/* "poll"; "the kernel": a function without a row. NULL: it runs, or it is unknown. */
const char *wchan_read(pid_t pid, pid_t tid);

#endif
