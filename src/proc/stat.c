#include "proc/stat.h"

#include <stdlib.h>
#include <string.h>

#include "proc/file.h"

/* As the man page numbers them. */
enum { PARENT = 4, USER = 14, SYSTEM = 15, START = 22, PROCESSOR = 39, FIELDS = PROCESSOR + 1 };

static void set_name(struct task_stat *stat, const char *name, size_t length)
{
    if (length >= sizeof(stat->name))
        length = sizeof(stat->name) - 1;
    memcpy(stat->name, name, length);
}

/* "TID (NAME) STATE PARENT …": NAME is any bytes at all, so the last ')' ends it. */
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
