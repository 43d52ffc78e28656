#include "proc/status.h"

#include <stdlib.h>
#include <string.h>

#include "proc/file.h"

/* "": there is no such line.  A key begins with the end of the line before: a name cannot contain one. */
static const char *field(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? at + strlen(key) : "";
}

static long number(const char *text, const char *key, long otherwise)
{
    const char *at = field(text, key);
    return *at ? strtol(at, NULL, 10) : otherwise;
}

static uint64_t mask(const char *text, const char *key, uint64_t otherwise)
{
    const char *at = field(text, key);
    return *at ? strtoull(at, NULL, 16) : otherwise;
}

/* A number for each pid namespace, the innermost last. */
static pid_t innermost(const char *text, const char *key, pid_t otherwise)
{
    const char *at = field(text, key), *end = strchr(at, '\n'), *last = NULL;
    for (; end && at < end; at++)
        if (*at == '\t' || !last)
            last = at;
    return last ? (pid_t)strtol(last, NULL, 10) : otherwise;
}

bool task_status_read(pid_t pid, pid_t tid, struct task_status *status)
{
    char text[16384]; /* as many groups as the kernel allows would take more */
    pid_t task = tid ? tid : pid;
    bool is_read = proc_read(tid ? PROC_PATH("%d/task/%d/status", pid, tid) : PROC_PATH("%d/status", pid),
                             text, sizeof(text)) > 0;
    *status = (struct task_status){
        .state = *field(text, "\nState:\t"),
        .own_pid = innermost(text, "\nNStgid:\t", pid),
        .own_tid = innermost(text, "\nNSpid:\t", task),
        .tracer = (pid_t)number(text, "\nTracerPid:\t", 0),
        .user = number(text, "\nUid:\t", -1),
        .threads = number(text, "\nThreads:\t", -1),
        .has_memory = number(text, "\nVmSize:\t", -1) >= 0,
        .seccomp = number(text, "\nSeccomp:\t", -1),
        .capabilities = mask(text, "\nCapEff:\t", 0),
        .blocked = mask(text, "\nSigBlk:\t", UINT64_MAX),
        .caught = mask(text, "\nSigCgt:\t", 0),
    };
    return is_read;
}
