#include "wait/wchan.h"

#include <stddef.h>

#include "base/text.h"
#include "proc/file.h"

/* The words are those of wait/brief.c for the system calls that sleep there. */
static const struct {
    const char *function, *word;
} rows[] = {
    {"futex_", "futex"},
    {"ep_poll", "epoll"},
    {"do_poll", "poll"},
    {"poll_schedule", "poll"},
    {"do_select", "select"},
    {"hrtimer_nanosleep", "sleep"},
    {"do_nanosleep", "sleep"},
    {"common_nsleep", "sleep"},
    {"pipe_read", "read of pipe"},
    {"anon_pipe_read", "read of pipe"},
    {"pipe_write", "write to pipe"},
    {"anon_pipe_write", "write to pipe"},
    {"inet_csk_accept", "accept on socket"},
    {"unix_accept", "accept on socket"},
    {"unix_", "socket"},
    {"sk_wait_data", "socket"},
    {"tcp_", "socket"},
    {"__skb_wait", "socket"},
    {"sock_", "socket"},
    {"wait_woken", "socket or terminal"},
    {"do_sigtimedwait", "signal wait"},
    {"sigsuspend", "signal wait"},
    {"__do_sys_pause", "signal wait"},
    {"sys_pause", "signal wait"},
    {"do_wait", "end of a child process"},
    {"kernel_wait", "end of a child process"},
    {"eventfd_read", "read of eventfd"},
    {"io_cqring_wait", "completions of io_uring"},
    {"read_events", "end of asynchronous I/O"},
    {"do_msgrcv", "message queue"},
    {"wq_sleep", "message queue"},
    {"do_semtimedop", "System V semaphore set"},
    {"flock", "lock of file"},
    {"locks_", "lock of file"},
};

const char *wchan_read(pid_t pid, pid_t tid)
{
    char function[64];
    if (proc_read(PROC_PATH("%d/task/%d/wchan", (int)pid, (int)tid), function, sizeof(function)) <= 1)
        return NULL; /* "0": it runs, or the reader may not know */
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (text_begins_with(function, rows[i].function))
            return rows[i].word;
    return "the kernel";
}
