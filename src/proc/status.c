#include "proc/status.h"

#include <stdlib.h>
#include <string.h>

#include "proc/file.h"

/* Numbers of fields in the man page. */
enum {
    PARENT = 4,
    USER = 14,
    SYSTEM = 15,
    START = 22,
    STACK_START = 28,
    PROCESSOR = 39,
    FIELDS = PROCESSOR + 1
};

static void set_name(struct task_stat *stat, const char *name, size_t length)
{
    if (length >= sizeof(stat->name))
        length = sizeof(stat->name) - 1;
    memcpy(stat->name, name, length);
}

/* "TID (NAME) STATE PARENT …": NAME can contain any byte, so the last ')' ends it. */
static bool parse(char *text, struct task_stat *stat)
{
    uint64_t fields[FIELDS];
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (!open || !close || close < open || strlen(close) < 3)
        return false;
    char *at = close + 3;
    for (int field = PARENT; field < FIELDS; field++) {
        char *before = at;
        fields[field] = strtoull(before, &at, 10);
        if (at == before)
            return false;
    }
    set_name(stat, open + 1, (size_t)(close - open) - 1);
    stat->state = close[2];
    stat->parent = (pid_t)fields[PARENT];
    stat->cpu_ticks = fields[USER] + fields[SYSTEM];
    stat->start_ticks = fields[START];
    stat->stack_start = fields[STACK_START];
    stat->processor = (int)fields[PROCESSOR];
    return true;
}

bool task_stat_read(pid_t pid, pid_t tid, struct task_stat *stat)
{
    char text[1024];
    *stat = (struct task_stat){.processor = -1};
    const char *path = tid ? PROC_PATH("%d/task/%d/stat", pid, tid) : PROC_PATH("%d/stat", pid);
    return proc_read(path, text, sizeof(text)) > 0 && parse(text, stat);
}

bool task_state_is_end(char state)
{
    return !state || strchr("ZXx", state);
}

/* "": there is no such line. A key begins with a newline, which a thread name cannot contain. */
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

/* The line has a number for each pid namespace, the innermost last. */
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
    char text[16384]; /* the maximum number of groups would need more */
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
