#include "stacks/signal_capture_task.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool read_file(pid_t pid, pid_t tid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, size - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return n > 0;
}

static const char *field(const char *text, const char *key)
{
    const char *at = strstr(text, key); /* begins with the end of the line before */
    return at ? at + strlen(key) : "";
}

bool task_look(pid_t pid, pid_t tid, struct task_look *look)
{
    char text[4096]; /* the long lines, of CPUs and memory nodes, are the last */
    if (!read_file(pid, tid, "status", text, sizeof(text)))
        return false;
    const char *state = field(text, "\nState:\t"), *own = field(text, "\nNSpid:\t");
    const char *end = strchr(own, '\n');
    look->state = *state;
    look->own_tid = tid;
    while (end && own < end) { /* a number for each namespace, the innermost last */
        char *next;
        long value = strtol(own, &next, 10);
        if (next == own)
            break;
        look->own_tid = (pid_t)value;
        own = next;
    }
    const char *seccomp = field(text, "\nSeccomp:\t");
    look->seccomp = *seccomp ? strtol(seccomp, NULL, 10) : -1;
    const char *tracer = field(text, "\nTracerPid:\t");
    look->tracer = strtol(tracer, NULL, 10);
    const char *blocked = field(text, "\nSigBlk:\t"), *caught = field(text, "\nSigCgt:\t");
    look->blocked = *blocked ? strtoull(blocked, NULL, 16) : UINT64_MAX;
    look->caught = strtoull(caught, NULL, 16);
    return look->state && look->state != 'X' && look->state != 'Z';
}

/* These would end at any signal that is handled, whoever it was meant for. */
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
    if (read_file(pid, tid, "syscall", text, sizeof(text)))
        return *text != 'r' && *text != '-' && waits_for_signals(strtol(text, NULL, 10));
    /* Yama keeps that from us, but not where in the kernel it is. */
    if (!read_file(pid, tid, "wchan", text, sizeof(text)) || strcmp(text, "0") == 0)
        return true;
    return strstr(text, "sigtimedwait") || strstr(text, "sys_pause") || strstr(text, "sigsuspend");
}

uint64_t task_stack_pointer(pid_t pid, pid_t tid)
{
    char text[256];
    if (!read_file(pid, tid, "syscall", text, sizeof(text)))
        return 0;
    /* "number six arguments sp pc", "-1 sp pc" or "running" */
    char *last = strrchr(text, ' ');
    if (!last)
        return 0;
    *last = 0;
    last = strrchr(text, ' ');
    return last ? strtoull(last, NULL, 16) : 0;
}
