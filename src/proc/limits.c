#include "proc/limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/file.h"
#include "proc/status.h"

enum { CAP_ADMIN = 21, CAP_RESOURCE = 24 }; /* capabilities(7): CAP_SYS_ADMIN, CAP_SYS_RESOURCE */

struct limits {
    struct thread_limit *items;
    size_t count;
};

/* The limit with less room replaces an earlier one of that name. */
static void add(struct limits *limits, const char *name, uint64_t used, uint64_t most, unsigned per_thread)
{
    struct thread_limit limit = {name, used, most, per_thread};
    for (size_t i = 0; i < limits->count; i++) {
        struct thread_limit *same = &limits->items[i];
        if (strcmp(same->name, name) != 0)
            continue;
        if (most < used || same->most - same->used > most - used)
            *same = limit;
        return;
    }
    limits->items[limits->count++] = limit;
}

/* ---- of the user ------------------------------------------------------------------------------- */

static uint64_t threads_of_user(long user)
{
    uint64_t threads = 0;
    struct task_status status;
    DIR *directory = opendir("/proc");
    for (long pid; directory && (pid = proc_next_number(directory)) >= 0;)
        if (task_status_read((pid_t)pid, 0, &status) && status.user == user && status.threads > 0)
            threads += (uint64_t)status.threads;
    if (directory)
        closedir(directory);
    return threads;
}

/* It does not count for root, and for processes with these capabilities (kernel/fork.c). */
static void add_nproc(struct limits *limits, pid_t pid)
{
    char text[4096];
    struct task_status status;
    uint64_t free = 1ull << CAP_ADMIN | 1ull << CAP_RESOURCE;
    if (!task_status_read(pid, 0, &status) || status.user <= 0 || status.capabilities & free ||
        proc_read(PROC_PATH("%d/limits", pid), text, sizeof(text)) <= 0)
        return;
    const char *line = strstr(text, "\nMax processes");
    unsigned long most;
    if (line && sscanf(line, "\nMax processes %lu", &most) == 1)
        add(limits, "RLIMIT_NPROC", threads_of_user(status.user), most, 1);
}

/* ---- of the control group ---------------------------------------------------------------------- */

static bool read_file(const char *directory, const char *name, uint64_t *number)
{
    char path[4300], text[64], *end;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (proc_read(path, text, sizeof(text)) <= 0)
        return false;
    *number = strtoull(text, &end, 10);
    return end > text; /* "max" is no number */
}

static void add_group(struct limits *limits, const char *name, const char *directory, const char *used_file,
                      const char *most_file, unsigned per_thread)
{
    uint64_t used, most;
    /* In version 1, no limit of memory is a number near LONG_MAX. */
    if (read_file(directory, most_file, &most) && read_file(directory, used_file, &used) && most < 1ull << 60)
        add(limits, name, used, most, per_thread);
}

/* From the group of the process up to the root of the hierarchy. */
static void add_groups(struct limits *limits, const char *root, const char *group, bool pids, bool memory)
{
    char path[4200];
    if (strstr(group, "..") ||
        snprintf(path, sizeof(path), "%s%s", root, strcmp(group, "/") ? group : "") >= (int)sizeof(path))
        return;
    for (;;) {
        if (pids)
            add_group(limits, "pids.max", path, "pids.current", "pids.max", 1);
        if (memory) {
            add_group(limits, "memory.max", path, "memory.current", "memory.max", 0);
            add_group(limits, "memory.max", path, "memory.usage_in_bytes", "memory.limit_in_bytes", 0);
        }
        char *slash = strrchr(path, '/');
        if (strlen(path) <= strlen(root) || !slash)
            return;
        *slash = 0;
    }
}

/* Lines "0::GROUP" of version 2, and "N:CONTROLLERS:GROUP" of version 1 (cgroups(7)). */
static void add_cgroups(struct limits *limits, pid_t pid)
{
    char text[16384], *rest = NULL;
    if (proc_read(PROC_PATH("%d/cgroup", pid), text, sizeof(text)) <= 0)
        return;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = 0;
        if (!controllers[1])
            add_groups(limits, "/sys/fs/cgroup", group, true, true);
        else if (strcmp(controllers + 1, "pids") == 0)
            add_groups(limits, "/sys/fs/cgroup/pids", group, true, false);
        else if (strcmp(controllers + 1, "memory") == 0)
            add_groups(limits, "/sys/fs/cgroup/memory", group, false, true);
    }
}

/* ---- of the machine and the process ------------------------------------------------------------- */

/* "0.05 0.03 0.01 RUNNING/TASKS LATEST" */
static uint64_t threads_of_machine(void)
{
    char text[128];
    unsigned long tasks;
    if (proc_read("/proc/loadavg", text, sizeof(text)) <= 0 ||
        sscanf(text, "%*s %*s %*s %*u/%lu", &tasks) != 1)
        return 0;
    return tasks;
}

static void add_machine(struct limits *limits)
{
    uint64_t used = threads_of_machine();
    long most = proc_read_number("/proc/sys/kernel/threads-max", 0);
    long highest = proc_read_number("/proc/sys/kernel/pid_max", 0);
    if (used && most > 0)
        add(limits, "threads-max", used, (uint64_t)most, 1);
    if (used && highest > 0)
        add(limits, "pid_max", used, (uint64_t)highest, 1);
}

static uint64_t count_mappings(pid_t pid)
{
    static const size_t room = 1 << 16;
    char *text = malloc(room);
    int fd = open(PROC_PATH("%d/maps", pid), O_RDONLY | O_CLOEXEC);
    uint64_t lines = 0;
    for (ssize_t n; text && fd >= 0 && (n = read(fd, text, room)) > 0;)
        for (ssize_t i = 0; i < n; i++)
            lines += text[i] == '\n';
    if (fd >= 0)
        close(fd);
    free(text);
    return lines;
}

static void add_mappings(struct limits *limits, pid_t pid)
{
    long most = proc_read_number("/proc/sys/vm/max_map_count", 0);
    uint64_t used = count_mappings(pid);
    if (used && most > 0)
        add(limits, "max_map_count", used, (uint64_t)most, 2);
}

size_t thread_limits_read(pid_t pid, struct thread_limit limits[THREAD_LIMITS])
{
    struct limits all = {limits, 0};
    add_nproc(&all, pid);
    add_cgroups(&all, pid);
    add_machine(&all);
    add_mappings(&all, pid);
    return all.count;
}

uint64_t process_resident(pid_t pid)
{
    char text[8192];
    unsigned long kib;
    if (proc_read(PROC_PATH("%d/status", pid), text, sizeof(text)) <= 0)
        return 0;
    const char *line = strstr(text, "\nRssAnon:");
    return line && sscanf(line, "\nRssAnon: %lu", &kib) == 1 ? (uint64_t)kib * 1024 : 0;
}
