#include "wait/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/search.h"
#include "proc/process.h"

enum { SCAN_MS = 100, SOCKETS_MS = 100, MAX_LINK = 4096 };

/* ---- what it is --------------------------------------------------------------------- */

const char *file_kind_name(enum file_kind kind)
{
    static const char *const names[FILE_KINDS] = {"descriptor", "pipe",     "socket", "terminal",  "eventfd",
                                                  "timerfd",    "signalfd", "epoll",  "inotify",   "pidfd",
                                                  "io_uring",   "device",   "file",   "descriptor"};
    return kind < FILE_KINDS ? names[kind] : "descriptor";
}

static enum file_kind kind_of_link(const char *link, mode_t mode)
{
    static const struct {
        const char *begin;
        enum file_kind kind;
    } rows[] = {
        {"pipe:", FILE_PIPE},
        {"socket:", FILE_SOCKET},
        {"anon_inode:[eventfd", FILE_EVENTFD},
        {"anon_inode:[timerfd", FILE_TIMERFD},
        {"anon_inode:[signalfd", FILE_SIGNALFD},
        {"anon_inode:[eventpoll", FILE_EPOLL},
        {"anon_inode:inotify", FILE_INOTIFY},
        {"anon_inode:[pidfd", FILE_PIDFD},
        {"pidfd:", FILE_PIDFD},
        {"anon_inode:[io_uring", FILE_URING},
        {"/dev/pts/", FILE_TERMINAL},
        {"/dev/tty", FILE_TERMINAL},
        {"/dev/console", FILE_TERMINAL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strncmp(link, rows[i].begin, strlen(rows[i].begin)) == 0)
            return rows[i].kind;
    if (*link != '/')
        return FILE_ANONYMOUS;
    if (S_ISFIFO(mode))
        return FILE_PIPE;
    return S_ISCHR(mode) || S_ISBLK(mode) ? FILE_DEVICE : FILE_PATH;
}

static int compare_files(const void *a, const void *b)
{
    const struct open_file *x = a, *y = b;
    return x->fd < y->fd ? -1 : x->fd > y->fd;
}

static void free_file(void *at)
{
    struct open_file *file = at;
    free(file->link);
    free(file);
}

static bool look_at(const struct files *files, struct open_file *file)
{
    char path[64], link[MAX_LINK];
    struct statx status = {0};
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)files->task, file->fd);
    ssize_t length = readlink(path, link, sizeof(link) - 1);
    link[length > 0 ? length : 0] = 0;
    /* stat would hang where a network that a file is on has gone. */
    if (length > 0 && *link == '/' &&
        statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &status) != 0)
        status.stx_mode = 0;
    file->kind = length > 0 ? kind_of_link(link, status.stx_mode) : FILE_CLOSED;
    file->inode = status.stx_ino;
    if (file->kind == FILE_SOCKET)
        file->inode = strtoull(link + strcspn(link, "0123456789"), NULL, 10);
    file->link = strdup(link);
    return file->link != NULL;
}

const struct open_file *files_find(struct files *files, int fd)
{
    const struct open_file key = {.fd = fd};
    struct open_file **found = tfind(&key, &files->opened, compare_files);
    if (found)
        return *found;
    struct open_file *file = calloc(1, sizeof(*file));
    if (!file)
        return NULL;
    file->fd = fd;
    if (!look_at(files, file) || !tsearch(file, &files->opened, compare_files)) {
        free_file(file);
        return NULL;
    }
    return file;
}

/* ---- who has it -------------------------------------------------------------------------- */

static bool want_link(struct files *files, const char *link)
{
    if (!ARRAY_GROW(files->wanted, files->wanted_count))
        return false;
    char *copy = strdup(link);
    if (copy)
        files->wanted[files->wanted_count++] = copy;
    return copy != NULL;
}

static void socket_link(char *to, size_t size, uint64_t inode)
{
    snprintf(to, size, "socket:[%" PRIu64 "]", inode);
}

bool files_want(struct files *files, int fd)
{
    struct open_file *file = (struct open_file *)files_find(files, fd);
    if (!file)
        return false;
    if (file->wanted)
        return true;
    file->wanted = true;
    if (file->kind == FILE_PIPE)
        return want_link(files, file->link);
    const struct socket_fact *fact = files_socket(files, file);
    char link[64];
    if (!fact || !fact->peer)
        return true;
    socket_link(link, sizeof(link), fact->peer);
    return want_link(files, link);
}

const struct socket_fact *files_socket(struct files *files, const struct open_file *file)
{
    if (file->kind != FILE_SOCKET)
        return NULL;
    if (!files->has_sockets)
        socket_facts_read(&files->sockets, files->task, SOCKETS_MS);
    files->has_sockets = true;
    return socket_facts_find(&files->sockets, file->inode);
}

static int compare_links(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_wanted(struct files *files)
{
    size_t kept = 0;
    qsort(files->wanted, files->wanted_count, sizeof(char *), compare_links);
    for (size_t i = 0; i < files->wanted_count; i++) {
        if (kept && strcmp(files->wanted[kept - 1], files->wanted[i]) == 0)
            free(files->wanted[i]);
        else
            files->wanted[kept++] = files->wanted[i];
    }
    files->wanted_count = kept;
}

/* The process itself before others. */
static int compare_holders(const void *a, const void *b, void *pid)
{
    const struct holder *x = a, *y = b;
    int order = strcmp(x->link, y->link);
    if (order)
        return order;
    if (x->pid != y->pid) {
        pid_t own = *(const pid_t *)pid;
        return x->pid == own ? -1 : y->pid == own ? 1 : x->pid < y->pid ? -1 : 1;
    }
    return x->fd < y->fd ? -1 : x->fd > y->fd;
}

static void add_holder(struct files *files, const struct holder *holder)
{
    if (ARRAY_GROW(files->holders, files->holder_count))
        files->holders[files->holder_count++] = *holder;
    else
        files->all_seen = false;
}

static void scan_process(struct files *files, pid_t pid, pid_t task, uint64_t until)
{
    char text[MAX_LINK];
    const char *key = text;
    const struct dirent *entry;
    snprintf(text, sizeof(text), "/proc/%d/fd", (int)task);
    DIR *directory = opendir(text);
    if (!directory) {
        /* One that has ended meanwhile has nothing. */
        snprintf(text, sizeof(text), "/proc/%d", (int)task);
        if (access(text, F_OK) == 0)
            files->all_seen = false;
        return;
    }
    while ((entry = readdir(directory))) {
        struct stat status;
        if (entry->d_name[0] == '.')
            continue;
        if (now_ns() > until) {
            files->all_seen = false;
            break;
        }
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, text, sizeof(text) - 1);
        text[length > 0 ? length : 0] = 0;
        char **found = bsearch(&key, files->wanted, files->wanted_count, sizeof(char *), compare_links);
        if (!found || fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        const struct holder holder = {*found, pid, atoi(entry->d_name), status.st_mode & S_IRUSR,
                                      status.st_mode & S_IWUSR};
        add_holder(files, &holder);
    }
    closedir(directory);
}

/*
 * This program itself, and the process that the shim puts between its own and this one
 * (a copy of the watched one, with all its descriptors): they are here to report.
 */
static bool is_reporting(const struct files *files, pid_t pid)
{
    if (pid == getpid())
        return true;
    if (pid != getppid() || process_parent(pid) != files->pid)
        return false;
    char *between = process_exe(pid), *watched = process_exe(files->pid);
    bool same = between && watched && strcmp(between, watched) == 0;
    free(between);
    free(watched);
    return same;
}

void files_scan(struct files *files)
{
    uint64_t until = now_ns() + SCAN_MS * UINT64_C(1000000);
    files->all_seen = true;
    if (!files->wanted_count)
        return;
    sort_wanted(files);
    /* Its own ones are looked at whatever they take: they are bounded by its limit. */
    scan_process(files, files->pid, files->task, UINT64_MAX);
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    while (processes && (entry = readdir(processes))) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        if (now_ns() > until)
            break;
        if (pid > 0 && pid != files->pid && !is_reporting(files, pid))
            scan_process(files, pid, pid, until);
    }
    if (!processes || now_ns() > until)
        files->all_seen = false;
    if (processes)
        closedir(processes);
    if (files->holder_count)
        qsort_r(files->holders, files->holder_count, sizeof(*files->holders), compare_holders, &files->pid);
}

const struct holder *files_next_holder(const struct files *files, const char *link,
                                       const struct holder *after)
{
    const struct holder *holders = files->holders;
    size_t next = after ? (size_t)(after - holders) + 1
                        : SEARCH_FIRST(i, files->holder_count, strcmp(holders[i].link, link) >= 0);
    return next < files->holder_count && strcmp(holders[next].link, link) == 0 ? &holders[next] : NULL;
}

void process_title(pid_t pid, char *to, size_t size)
{
    char path[64], name[32] = "";
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    FILE *file = fopen(path, "re");
    if (file && !fgets(name, sizeof(name), file))
        *name = 0;
    if (file)
        fclose(file);
    name[strcspn(name, "\n")] = 0;
    snprintf(to, size, *name ? "%d (%s)" : "%d", (int)pid, name);
}

/* ---- all ------------------------------------------------------------------------------------- */

struct files *files_new(pid_t pid, pid_t task)
{
    struct files *files = calloc(1, sizeof(*files));
    if (!files)
        return NULL;
    files->pid = pid;
    files->task = task;
    return files;
}

void files_free(struct files *files)
{
    if (!files)
        return;
    tdestroy(files->opened, free_file);
    for (size_t i = 0; i < files->wanted_count; i++)
        free(files->wanted[i]);
    free(files->wanted);
    free(files->holders);
    socket_facts_release(&files->sockets);
    free(files);
}
