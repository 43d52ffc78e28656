#include "proc/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "proc/maps.h"

/* Reads a small file of /proc whole, or its first size - 1 bytes; NUL-terminated. */
static ssize_t read_small(int dir, const char *path, char *to, size_t size)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, to, size - 1);
    close(fd);
    to[n > 0 ? n : 0] = 0;
    return n;
}

/*
 * "TID (COMM) STATE …": COMM is any bytes at all, so the last ')' ends it.
 * Fields as proc_pid_stat(5) numbers them.
 */
static bool parse_stat(const char *text, struct task *task, uint64_t *ticks)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    uint64_t user, system;
    if (!open || !close || close < open)
        return false;
    size_t length = (size_t)(close - open) - 1;
    if (length >= sizeof(task->name))
        length = sizeof(task->name) - 1;
    memcpy(task->name, open + 1, length);
    task->name[length] = 0;
    if (sscanf(close + 1,
               " %c"                                      /* 3 state */
               " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s" /* 4 to 13 */
               " %" SCNu64 " %" SCNu64                    /* 14 utime, 15 stime */
               " %*s %*s %*s %*s %*s %*s"                 /* 16 to 21 */
               " %" SCNu64,                               /* 22 starttime */
               &task->state, &user, &system, &task->start_ticks) != 4)
        return false;
    *ticks = user + system;
    return true;
}

static bool read_task(int dir, const char *name, struct task *task)
{
    char path[64], text[1024];
    uint64_t ticks, ns;

    *task = (struct task){.tid = (pid_t)strtol(name, NULL, 10), .cpu_s = -1};
    snprintf(path, sizeof(path), "%.20s/stat", name);
    if (read_small(dir, path, text, sizeof(text)) <= 0 || !parse_stat(text, task, &ticks))
        return false;
    task->cpu_s = (double)ticks / (double)sysconf(_SC_CLK_TCK);
    /* Nanoseconds on a processor come first in it, where the kernel counts them. */
    snprintf(path, sizeof(path), "%.20s/schedstat", name);
    if (read_small(dir, path, text, sizeof(text)) > 0 && sscanf(text, "%" SCNu64, &ns) == 1 && ns)
        task->cpu_s = (double)ns / 1e9;
    return true;
}

static bool list_add(struct task_list *list, size_t *room, const struct task *task)
{
    if (list->count == *room) {
        size_t more = *room ? 2 * *room : 64;
        struct task *tasks = realloc(list->tasks, more * sizeof(*tasks));
        if (!tasks)
            return false;
        list->tasks = tasks;
        *room = more;
    }
    list->tasks[list->count++] = *task;
    return true;
}

static int compare_tasks(const void *a, const void *b)
{
    pid_t left = ((const struct task *)a)->tid, right = ((const struct task *)b)->tid;
    return (left > right) - (left < right);
}

static DIR *open_tasks(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    return opendir(path);
}

bool process_tasks(pid_t pid, struct task_list *list)
{
    size_t room = 0;
    bool ok = true;
    const struct dirent *entry;

    *list = (struct task_list){NULL, 0};
    DIR *tasks = open_tasks(pid);
    if (!tasks)
        return false;
    while (ok && (entry = readdir(tasks))) {
        struct task task;
        if (entry->d_name[0] != '.' && read_task(dirfd(tasks), entry->d_name, &task))
            ok = list_add(list, &room, &task);
    }
    closedir(tasks);
    if (!ok || list->count == 0) { /* all of them ended */
        task_list_release(list);
        errno = ok ? ESRCH : ENOMEM;
        return false;
    }
    qsort(list->tasks, list->count, sizeof(*list->tasks), compare_tasks);
    return true;
}

void task_list_release(struct task_list *list)
{
    free(list->tasks);
    *list = (struct task_list){NULL, 0};
}

const struct task *task_list_find(const struct task_list *list, pid_t tid)
{
    struct task key = {.tid = tid};
    if (!list->count)
        return NULL;
    return bsearch(&key, list->tasks, list->count, sizeof(key), compare_tasks);
}

/* ---- the process itself ------------------------------------------------------ */

bool process_exists(pid_t pid)
{
    const struct dirent *entry;
    bool alive = false;
    DIR *tasks = pid > 0 ? open_tasks(pid) : NULL;
    /* The main thread may be a zombie and others go on. */
    while (tasks && !alive && (entry = readdir(tasks))) {
        struct task task;
        alive = entry->d_name[0] != '.' && read_task(dirfd(tasks), entry->d_name, &task) &&
                !strchr("ZXx", task.state);
    }
    if (!tasks) /* hidepid= hides it, but kill still tells */
        return pid > 0 && kill(pid, 0) != 0 && errno == EPERM;
    closedir(tasks);
    return alive;
}

bool process_maps_file(pid_t pid, const char *basename)
{
    struct maps maps;
    const struct mapping *next;
    bool found = false;
    if (!maps_open(&maps, pid))
        return false;
    while (!found && (next = maps_next(&maps)))
        found = strcmp(path_basename(next->path), basename) == 0;
    maps_close(&maps);
    return found;
}

/* Where exe and cmdline can be read: see struct maps. */
static pid_t readable_task(pid_t pid)
{
    struct maps maps;
    if (!maps_open(&maps, pid))
        return pid;
    maps_close(&maps);
    return maps.task;
}

char *process_exe(pid_t pid)
{
    char link[64], path[4096];
    snprintf(link, sizeof(link), "/proc/%d/exe", (int)readable_task(pid));
    ssize_t n = readlink(link, path, sizeof(path) - 1);
    if (n <= 0)
        return NULL;
    path[n] = 0;
    path_cut_deleted(path);
    return strdup(path);
}

/* Malloc'ed; NULL: not readable, or nothing in it. */
static char *read_cmdline(pid_t pid, size_t *size)
{
    char path[64];
    char *text = NULL;
    size_t room = 0;
    ssize_t n = 0;

    *size = 0;
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)readable_task(pid));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    do {
        room += 4096;
        char *more = realloc(text, room);
        if (!more)
            break;
        text = more;
        n = read(fd, text + *size, room - 1 - *size);
        *size += n > 0 ? (size_t)n : 0;
        text[*size] = 0;
    } while (n > 0);
    close(fd);
    if (*size)
        return text;
    free(text);
    return NULL;
}

char **process_argv(pid_t pid)
{
    size_t size, argc = 0;
    char *text = read_cmdline(pid, &size);
    if (!text)
        return NULL;
    /* What setproctitle leaves over of the old arguments is NULs. */
    size_t used = size;
    while (used && !text[used - 1])
        used--;
    if (size - used > 2)
        size = used + 1;
    for (size_t at = 0; at < size; at += strlen(text + at) + 1)
        argc++;
    /* One block, the strings behind the pointers. */
    char **argv = malloc((argc + 1) * sizeof(*argv) + size + 1);
    if (argv) {
        char *next = memcpy(argv + argc + 1, text, size);
        next[size] = 0;
        for (size_t i = 0; i < argc; i++) {
            argv[i] = next;
            next += strlen(next) + 1;
        }
        argv[argc] = NULL;
    }
    free(text);
    return argv;
}

void process_argv_free(char **argv)
{
    free(argv);
}

pid_t process_parent(pid_t pid)
{
    char path[64], text[1024];
    int parent = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
        return 0;
    const char *close = strrchr(text, ')');
    return close && sscanf(close + 1, " %*c %d", &parent) == 1 ? parent : 0;
}
