#include "proc/process_limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/file.h"
#include "proc/status.h"

/* ---- what is used ------------------------------------------------------------------------------ */

int64_t threads_of_user(long user)
{
    int64_t threads = 0;
    struct task_status status;
    DIR *directory = user > 0 ? opendir("/proc") : NULL;
    if (!directory)
        return -1;
    for (long pid; (pid = proc_next_number(directory)) >= 0;)
        if (task_status_read((pid_t)pid, 0, &status) && status.user == user && status.threads > 0)
            threads += status.threads;
    closedir(directory);
    return threads;
}

static int64_t count_mappings(pid_t pid)
{
    static const size_t room = 1 << 16;
    char *text = malloc(room);
    int fd = open(PROC_PATH("%d/maps", pid), O_RDONLY | O_CLOEXEC);
    int64_t lines = 0;
    for (ssize_t n; text && fd >= 0 && (n = read(fd, text, room)) > 0;)
        for (ssize_t i = 0; i < n; i++)
            lines += text[i] == '\n';
    if (fd >= 0)
        close(fd);
    free(text);
    return lines ? lines : -1;
}

/* ---- memory of the control group ----------------------------------------------------------------- */

static bool read_bytes(const char *directory, const char *name, uint64_t *bytes)
{
    char path[4300], text[64], *end;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (proc_read(path, text, sizeof(text)) <= 0)
        return false;
    *bytes = strtoull(text, &end, 10);
    return end > text; /* "max" is no number */
}

static bool read_group(const char *directory, bool first_version, struct process_limit *limit)
{
    const char *used = first_version ? "memory.usage_in_bytes" : "memory.current";
    const char *most = first_version ? "memory.limit_in_bytes" : "memory.max";
    *limit = (struct process_limit){.name = "memory.max"};
    /* In version 1, no limit is a number near LONG_MAX. */
    return read_bytes(directory, most, &limit->most) && limit->most < UINT64_C(1) << 60 &&
           read_bytes(directory, used, &limit->used);
}

static uint64_t room_of(const struct process_limit *limit)
{
    return limit->most > limit->used ? limit->most - limit->used : 0;
}

/* From the group up to the root of the hierarchy. */
static bool find_nearest(const char *root, const char *group, bool first_version, struct process_limit *found)
{
    char path[4200];
    struct process_limit limit;
    bool any = false;
    if (strstr(group, "..") || snprintf(path, sizeof(path), "%s%s", root, group) >= (int)sizeof(path))
        return false;
    for (char *slash; strlen(path) >= strlen(root); *slash = 0) {
        if (read_group(path, first_version, &limit) && (!any || room_of(&limit) < room_of(found))) {
            *found = limit;
            any = true;
        }
        if (!(slash = strrchr(path, '/')))
            break;
    }
    return any;
}

/* Lines "0::GROUP" of version 2, and "N:memory:GROUP" of version 1 (cgroups(7)). */
static bool read_memory_limit(pid_t pid, struct process_limit *limit)
{
    static const char first[] = ":memory:", second[] = "0::";
    char text[16384], *rest = NULL;
    if (proc_read(PROC_PATH("%d/cgroup", pid), text, sizeof(text)) <= 0)
        return false;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        const char *group = strstr(line, first);
        if (group && find_nearest("/sys/fs/cgroup/memory", group + sizeof(first) - 1, true, limit))
            return true;
        if (strncmp(line, second, sizeof(second) - 1) == 0 &&
            find_nearest("/sys/fs/cgroup", line + sizeof(second) - 1, false, limit))
            return true;
    }
    return false;
}

/* ---- all ------------------------------------------------------------------------------------------ */

size_t process_limits_read(pid_t pid, struct process_limit limits[PROCESS_LIMITS])
{
    struct task_status status;
    struct system_limits system;
    struct thread_limit known[THREAD_LIMITS];
    size_t count = 0;
    if (!task_status_read(pid, 0, &status))
        return 0;
    system_limits_read(&system);
    const struct limited_process process = {.pid = pid,
                                            .status = &status,
                                            .user_tasks = threads_of_user(status.user),
                                            .mappings = count_mappings(pid)};
    size_t known_count = thread_limits_read(known, &process, &system);
    for (size_t i = 0; i < known_count; i++)
        if (known[i].used >= 0)
            limits[count++] = (struct process_limit){known[i].name, (uint64_t)known[i].used, known[i].value,
                                                     known[i].per_thread};
    return count + read_memory_limit(pid, &limits[count]);
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
