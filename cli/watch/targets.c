#include "cli/watch/targets.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "cli/common/named.h"
#include "proc/file.h"
#include "proc/process.h"

enum { SCAN_EVERY = 10 }; /* samples, while a process is watched: reading all of /proc takes milliseconds */

static bool has(const struct watch_targets *targets, pid_t pid)
{
    for (size_t i = 0; i < targets->count; i++)
        if (targets->items[i].pid == pid)
            return true;
    return false;
}

static bool add(struct watch_targets *targets, pid_t pid, struct error *error)
{
    if (has(targets, pid))
        return true;
    if (!ARRAY_GROW(targets->items, targets->count))
        return error_set(error, "process %d: out of memory", (int)pid);
    if (!watched_process_open(&targets->items[targets->count], pid, error))
        return false;
    targets->count++;
    return true;
}

bool watch_targets_add_pids(struct watch_targets *targets, const struct watch_options *options,
                            struct error *error)
{
    for (size_t i = 0; i < options->pid_count; i++)
        if (!add(targets, options->pids[i], error))
            return false;
    return true;
}

static void add_named(struct watch_targets *targets, const char *name)
{
    struct named_processes named;
    struct error ignored;
    named_processes_find(&named, name);
    for (size_t i = 0; i < named.count; i++)
        add(targets, named.pids[i], &ignored);
    named_processes_release(&named);
}

static void add_with_exe(struct watch_targets *targets, const char *path)
{
    struct error ignored;
    char *real = realpath(path, NULL);
    DIR *directory = opendir("/proc");
    for (long pid; directory && (pid = proc_next_number(directory)) >= 0;) {
        char *exe = pid != getpid() ? process_exe((pid_t)pid) : NULL;
        if (exe && (strcmp(exe, path) == 0 || (real && strcmp(exe, real) == 0)))
            add(targets, (pid_t)pid, &ignored);
        free(exe);
    }
    if (directory)
        closedir(directory);
    free(real);
}

void watch_targets_find(struct watch_targets *targets, const struct watch_options *options)
{
    if (targets->count && targets->scans++ % SCAN_EVERY)
        return;
    if (options->name)
        add_named(targets, options->name);
    if (options->exe)
        add_with_exe(targets, options->exe);
}

void watch_targets_forget_ended(struct watch_targets *targets)
{
    size_t kept = 0;
    for (size_t i = 0; i < targets->count; i++) {
        if (targets->items[i].ended)
            watched_process_release(&targets->items[i]);
        else
            targets->items[kept++] = targets->items[i];
    }
    targets->count = kept;
}

void watch_targets_release(struct watch_targets *targets)
{
    for (size_t i = 0; i < targets->count; i++)
        watched_process_release(&targets->items[i]);
    free(targets->items);
}
