#include "proc/thread_limits.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc/file.h"

/* capabilities(7) */
enum { CAPABILITY_SYS_ADMIN = 21, CAPABILITY_SYS_RESOURCE = 24 };

/* ---- the system ---------------------------------------------------------------------------- */

static uint64_t read_number(const char *path)
{
    long value = proc_read_number(path, 0);
    return value > 0 ? (uint64_t)value : 0;
}

/* "0.20 0.18 0.12 1/80 11206": the number after the slash is that of all tasks (proc_loadavg(5)). */
static int64_t read_tasks(void)
{
    char text[128];
    const char *slash = proc_read("/proc/loadavg", text, sizeof(text)) > 0 ? strchr(text, '/') : NULL;
    return slash ? strtol(slash + 1, NULL, 10) : -1;
}

void system_limits_read(struct system_limits *limits)
{
    limits->threads_max = read_number("/proc/sys/kernel/threads-max");
    limits->pid_max = read_number("/proc/sys/kernel/pid_max");
    limits->max_map_count = read_number("/proc/sys/vm/max_map_count");
    limits->tasks = read_tasks();
}

/* ---- RLIMIT_NPROC ----------------------------------------------------------------------------- */

/* The kernel does not apply it to root, and to those who may exceed limits (kernel/fork.c, copy_process). */
static bool is_exempt(const struct task_status *status)
{
    const uint64_t exempt = UINT64_C(1) << CAPABILITY_SYS_ADMIN | UINT64_C(1) << CAPABILITY_SYS_RESOURCE;
    return status->user == 0 || (status->capabilities & exempt);
}

/* 0: unlimited or unknown. */
static uint64_t read_process_limit(pid_t pid)
{
    static const char name[] = "\nMax processes";
    char text[4096];
    const char *line =
        proc_read(PROC_PATH("%d/limits", pid), text, sizeof(text)) > 0 ? strstr(text, name) : NULL;
    return line ? strtoull(line + sizeof(name) - 1, NULL, 10) : 0;
}

/* ---- cgroups ------------------------------------------------------------------------------------ */

/* False: no limit there, or no such file. */
static bool read_cgroup(const char *directory, struct thread_limit *limit)
{
    char path[PATH_MAX + 16], text[32];
    snprintf(path, sizeof(path), "%s/pids.max", directory);
    if (proc_read(path, text, sizeof(text)) <= 0 || *text < '0' || *text > '9')
        return false;
    snprintf(path, sizeof(path), "%s/pids.current", directory);
    *limit = (struct thread_limit){"pids.max", strtoull(text, NULL, 10), proc_read_number(path, -1), 1};
    return true;
}

static int64_t room(const struct thread_limit *limit)
{
    return limit->used < 0 ? INT64_MAX : (int64_t)limit->value - limit->used;
}

/* A limit of a parent holds for its children, too. */
static bool find_nearest(char *directory, size_t root, struct thread_limit *nearest)
{
    bool found = false;
    for (;;) {
        struct thread_limit limit;
        if (read_cgroup(directory, &limit) && (!found || room(&limit) < room(nearest))) {
            *nearest = limit;
            found = true;
        }
        char *slash = strrchr(directory, '/');
        if (!slash || (size_t)(slash - directory) < root)
            return found;
        *slash = '\0';
    }
}

/* Lines "0::/path" of cgroup v2, and "8:pids:/path" of v1 (cgroups(7)). */
static bool read_cgroup_limit(pid_t pid, struct thread_limit *limit)
{
    char text[4096], directory[PATH_MAX];
    if (proc_read(PROC_PATH("%d/cgroup", pid), text, sizeof(text)) <= 0)
        return false;
    for (char *save, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        bool v2 = strncmp(line, "0::/", 4) == 0;
        const char *v1 = strstr(line, ":pids:/");
        const char *root = v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
        if (!v2 && !v1)
            continue;
        snprintf(directory, sizeof(directory), "%s%s", root, v2 ? line + 3 : v1 + 6);
        if (!strstr(directory, "/..") && find_nearest(directory, strlen(root), limit))
            return true;
    }
    return false;
}

/* ---- all --------------------------------------------------------------------------------------- */

static void add(struct thread_limit *limits, size_t *count, const char *name, uint64_t value, int64_t used,
                unsigned per_thread)
{
    if (value)
        limits[(*count)++] = (struct thread_limit){name, value, used, per_thread};
}

size_t thread_limits_read(struct thread_limit limits[THREAD_LIMITS], const struct limited_process *process,
                          const struct system_limits *system)
{
    size_t count = 0;
    if (!is_exempt(process->status))
        add(limits, &count, "RLIMIT_NPROC", read_process_limit(process->pid), process->user_tasks, 1);
    count += read_cgroup_limit(process->pid, &limits[count]);
    add(limits, &count, "threads-max", system->threads_max, system->tasks, 1);
    add(limits, &count, "pid_max", system->pid_max, system->tasks, 1);
    add(limits, &count, "max_map_count", system->max_map_count, process->mappings, 2);
    return count;
}
