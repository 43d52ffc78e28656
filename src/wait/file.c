#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "wait/describe.h"
#include "wait/file.h"

enum { MAX_NAMED = 3 /* holders */ };

/* ---- the other end ------------------------------------------------------------------ */

static void add_process(const struct view *view, pid_t pid)
{
    char title[64];
    process_title(pid, title, sizeof(title));
    line_add(view->line, "process %s", title);
}

/* Of a pipe, those that have the end; of a socket, all. */
static bool is_of_end(const struct holder *holder, enum file_kind kind, bool writing)
{
    return kind != FILE_PIPE || (writing ? holder->reads : holder->writes);
}

static void add_holders(const struct view *view, const char *link, enum file_kind kind, bool writing)
{
    const struct files *files = view->waits->files;
    struct line *line = view->line;
    pid_t before = 0;
    unsigned own = 0, others = 0;
    const char *end = kind == FILE_SOCKET ? "other" : writing ? "reading" : "writing";
    for (const struct holder *at = NULL; (at = files_next_holder(files, link, at));)
        if (is_of_end(at, kind, writing)) {
            own += at->pid == files->pid;
            others += at->pid != files->pid && at->pid != before;
            before = at->pid;
        }
    if (!own && !others) {
        line_add(line, ", whose %s end nobody holds%s", end,
                 files->all_seen ? "" : ", as far as can be seen");
        return;
    }
    line_add(line, others ? ", whose %s end is held by " : ", whose %s end only ", end);
    unsigned named = 0;
    before = 0;
    for (const struct holder *at = NULL; (at = files_next_holder(files, link, at));) {
        if (!is_of_end(at, kind, writing) || at->pid == before)
            continue;
        before = at->pid;
        if (named++ == MAX_NAMED) {
            line_add(line, " and %u more", !!own + others - MAX_NAMED);
            return;
        }
        line_add(line, named > 1 ? ", " : "");
        if (at->pid == files->pid)
            line_add(line, "this process%s (descriptor %d%s)", others ? "" : " holds", at->fd,
                     own > 1 ? " and more" : "");
        else
            add_process(view, at->pid);
    }
    if (!files->all_seen && !others)
        line_add(line, ", as far as can be seen");
}

/* ---- what kind it is ------------------------------------------------------------------- */

void line_add_file(struct line *line, struct files *files, const struct open_file *file)
{
    const struct socket_fact *fact = files_socket(files, file);
    line_add(line, "%s %d", file_kind_name(file->kind), file->fd);
    if (fact)
        line_add(line, " (%s)", fact->text);
    else if (*file->link == '/' || file->kind == FILE_ANONYMOUS)
        line_add(line, " (%s)", file->link);
    else if (file->kind == FILE_CLOSED && files->task) /* of a core nobody can say */
        line_add(line, ", which is closed by now or not to be seen");
}

static enum wait_on on_of_kind(enum file_kind kind)
{
    return kind == FILE_PIPE ? WAIT_PIPE : kind == FILE_SOCKET ? WAIT_SOCKET : WAIT_FILE;
}

/* Sockets can have one (SO_RCVTIMEO), terminals too (VTIME). */
static enum wait_timeout timeout_of_kind(enum file_kind kind)
{
    bool may = kind == FILE_SOCKET || kind == FILE_TERMINAL || kind == FILE_CLOSED || kind == FILE_URING ||
               kind == FILE_ANONYMOUS || kind == FILE_DEVICE;
    return may ? WAIT_TIMEOUT_UNKNOWN : WAIT_TIMEOUT_NO;
}

/* Who has a lock on it: "1: FLOCK  ADVISORY  WRITE 1234 fe:00:4711 0 EOF"; those
 * that wait have "->" in the second place. */
static void add_lock_holder(const struct view *view, const struct open_file *file)
{
    char *line = NULL;
    size_t size = 0;
    FILE *locks = file->inode ? fopen("/proc/locks", "re") : NULL;
    bool is_flock = view->thread->syscall_nr == SYS_flock, found = false;
    while (locks && !found && getline(&line, &size, locks) > 0) {
        char type[16];
        int pid;
        uint64_t inode;
        if (sscanf(line, "%*[^:]: %15s %*s %*s %d %*x:%*x:%" SCNu64, type, &pid, &inode) != 3 ||
            inode != file->inode || (strcmp(type, "FLOCK") == 0) != is_flock || pid <= 0)
            continue;
        found = true;
        line_add(view->line, ", held by ");
        if (pid == view->waits->context.snapshot->pid)
            line_add(view->line, "this process");
        else
            add_process(view, pid);
    }
    free(line);
    if (locks)
        fclose(locks);
}

/* False: out of memory. */
static bool add_descriptor(const struct view *view, const struct open_file **found)
{
    struct wait *wait = view->wait;
    struct files *files = view->waits->files;
    wait->fd = (int)view->thread->syscall_args[view->call.fd_arg];
    const struct open_file *file = *found = files_find(files, wait->fd);
    if (!file)
        return false;
    wait->on = on_of_kind(file->kind);
    if (wait->timeout == WAIT_TIMEOUT_UNKNOWN)
        wait->timeout = timeout_of_kind(file->kind);
    line_add(view->line, "%s ", view->call.text);
    line_add_file(view->line, files, file);
    return true;
}

static void add_other_end(const struct view *view, const struct open_file *file, bool writing)
{
    const struct socket_fact *fact = files_socket(view->waits->files, file);
    char link[64];
    if (fact && fact->peer) {
        snprintf(link, sizeof(link), "socket:[%" PRIu64 "]", fact->peer);
        add_holders(view, link, FILE_SOCKET, writing);
    } else if (file->kind == FILE_PIPE)
        add_holders(view, file->link, FILE_PIPE, writing);
}

static bool wait_for_transfer(const struct view *view, bool writing)
{
    const struct open_file *file;
    if (!add_descriptor(view, &file))
        return false;
    add_other_end(view, file, writing);
    return true;
}

bool wait_for_file(const struct view *view)
{
    return wait_for_transfer(view, false);
}

bool wait_for_write(const struct view *view)
{
    return wait_for_transfer(view, true);
}

bool wait_for_lock(const struct view *view)
{
    const struct open_file *file;
    if (!add_descriptor(view, &file))
        return false;
    add_lock_holder(view, file);
    return true;
}

/* ---- by path ------------------------------------------------------------------------------ */

/* A path in the process's memory, cut where it cannot be read. */
static void read_path(const struct view *view, uint64_t address, char *to, size_t size)
{
    size_t length = 0;
    for (char c; length < size - 1 && view_read(view, address + length, &c, 1) && c; length++)
        to[length] = c;
    to[length] = 0;
}

bool wait_for_open(const struct view *view)
{
    char path[512], full[600];
    struct statx status;
    read_path(view, view->thread->syscall_args[view->thread->syscall_nr == SYS_openat], path, sizeof(path));
    snprintf(full, sizeof(full), "/proc/%d/root%s", (int)view->waits->files->task, path);
    bool is_fifo = *path == '/' && statx(AT_FDCWD, full, AT_STATX_DONT_SYNC, STATX_TYPE, &status) == 0 &&
                   S_ISFIFO(status.stx_mode);
    view->wait->on = is_fifo ? WAIT_PIPE : WAIT_FILE;
    line_add(view->line, "open of %s", is_fifo ? "pipe " : "");
    line_add(view->line, *path ? "%s" : "a file", path);
    return true;
}
