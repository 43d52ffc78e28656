#include "cli/common/named.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/path.h"
#include "proc/file.h"
#include "proc/process.h"
#include "proc/status.h"

enum { SHOWN = 4, COMMAND_SHOWN = 60 };

static bool is_task_name(const struct task_stat *stat, const char *name)
{
    return strncmp(stat->name, name, sizeof(stat->name) - 1) == 0;
}

/* A program can write another text over its arguments: "nginx: worker process" is one argument. */
static bool is_command(pid_t pid, const char *name)
{
    char **argv = process_argv(pid), *exe = process_exe(pid);
    const char *first = argv && argv[0] ? argv[0] : "";
    size_t length = strcspn(first, " :");
    bool is = strcmp(path_basename(first), name) == 0 || (exe && strcmp(path_basename(exe), name) == 0) ||
              (strlen(name) == length && strncmp(first, name, length) == 0);
    free(argv);
    free(exe);
    return is;
}

static bool has_name(pid_t pid, const char *name)
{
    struct task_stat stat;
    if (pid == getpid() || !task_stat_read(pid, 0, &stat) || task_state_is_end(stat.state))
        return false;
    bool cut = strlen(name) >= sizeof(stat.name) - 1;
    return (is_task_name(&stat, name) && !cut) || is_command(pid, name);
}

static int compare(const void *a, const void *b)
{
    pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
    return (x > y) - (x < y);
}

void named_processes_find(struct named_processes *named, const char *name)
{
    *named = (struct named_processes){.count = 0};
    DIR *directory = opendir("/proc");
    if (!directory)
        return;
    for (long pid; (pid = proc_next_number(directory)) >= 0;)
        if (has_name((pid_t)pid, name) && ARRAY_GROW(named->pids, named->count))
            named->pids[named->count++] = (pid_t)pid;
    closedir(directory);
    if (named->count)
        qsort(named->pids, named->count, sizeof(*named->pids), compare);
}

/* The command line of a process, cut. */
static void put_command(FILE *out, pid_t pid)
{
    char **argv = process_argv(pid);
    size_t left = COMMAND_SHOWN;
    for (char **at = argv; at && *at && left; at++) {
        size_t length = strlen(*at), shown = length < left ? length : left;
        fprintf(out, "%s%.*s%s", at == argv ? "" : " ", (int)shown, *at, shown < length ? "..." : "");
        left -= shown;
    }
    free(argv);
}

bool named_processes_error(const struct named_processes *named, const char *name, struct error *error)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out && i < named->count && i < SHOWN; i++) {
        fprintf(out, "%s%d (", i ? ", " : "", (int)named->pids[i]);
        put_command(out, named->pids[i]);
        putc(')', out);
    }
    if (out && named->count > SHOWN)
        fprintf(out, " and %zu more", named->count - SHOWN);
    if (out)
        fclose(out);
    error_set(error, "%zu processes are named %.40s: %s; give a PID", named->count, name, text ? text : "");
    free(text);
    return false;
}

void named_processes_release(struct named_processes *named)
{
    free(named->pids);
}
