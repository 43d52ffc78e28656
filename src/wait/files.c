#include "wait/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "proc/file.h"
#include "proc/status.h"

enum { SOCKETS_MS = 100, MAX_LINK = 4096 };

/* ---- kinds -------------------------------------------------------------------------- */

const char *file_kind_name(enum file_kind kind)
{
    static const char *const names[FILE_KINDS] = {
        "descriptor", "descriptor", "pipe",  "socket",   "terminal", "eventfd", "timerfd",   "signalfd",
        "epoll",      "inotify",    "pidfd", "io_uring", "device",   "file",    "descriptor"};
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
        if (text_begins_with(link, rows[i].begin))
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

static bool read_link(const struct files *files, struct open_file *file)
{
    char link[MAX_LINK];
    struct file_facts facts = {0};
    const char *path = PROC_PATH("%d/fd/%d", files->task, file->fd);
    ssize_t length = readlink(path, link, sizeof(link) - 1);
    link[length > 0 ? length : 0] = 0;
    if (length > 0 && *link == '/')
        file_facts_read(path, &facts);
    bool closed = length < 0 && errno == ENOENT && files->task && kill(files->pid, 0) == 0;
    file->kind = length > 0 ? kind_of_link(link, facts.mode) : closed ? FILE_CLOSED : FILE_UNKNOWN;
    file->inode = facts.inode;
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
    if (!read_link(files, file) || !tsearch(file, &files->opened, compare_files)) {
        free_file(file);
        return NULL;
    }
    return file;
}

/* ---- holders ----------------------------------------------------------------------------- */

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
        return holders_want(&files->holders, file->link);
    const struct socket_fact *fact = files_socket(files, file);
    char link[64];
    if (!fact || !fact->peer)
        return true;
    socket_link(link, sizeof(link), fact->peer);
    return holders_want(&files->holders, link);
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

void line_add_file(struct line *line, struct files *files, const struct open_file *file)
{
    const struct socket_fact *fact = files_socket(files, file);
    line_add(line, "%s %d", file_kind_name(file->kind), file->fd);
    if (fact)
        line_add(line, " (%s)", fact->text);
    else if (*file->link == '/' || file->kind == FILE_ANONYMOUS)
        line_add(line, " (%s)", file->link);
    else if (file->kind == FILE_CLOSED)
        line_add(line, ", which is closed");
    else if (file->kind == FILE_UNKNOWN && files->task) /* unknown for a core */
        line_add(line, ", which is not readable");
}

void files_scan(struct files *files)
{
    holders_scan(&files->holders, files->pid, files->task);
}

void process_title(pid_t pid, char *to, size_t size)
{
    struct task_stat stat;
    task_stat_read(pid, 0, &stat);
    snprintf(to, size, *stat.name ? "%d (%s)" : "%d", (int)pid, stat.name);
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

void watched_release(struct watched *watched)
{
    free(watched->fds);
    memset(watched, 0, sizeof(*watched));
}

void files_free(struct files *files)
{
    if (!files)
        return;
    tdestroy(files->opened, free_file);
    for (size_t i = 0; i < files->watched_count; i++)
        watched_release(&files->watched[i]);
    free(files->watched);
    holders_release(&files->holders);
    socket_facts_release(&files->sockets);
    free(files);
}
