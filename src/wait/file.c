#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "wait/describe.h"
#include "wait/files.h"

enum { MAX_NAMED = 3 /* holders */ };

/* ---- the other end ------------------------------------------------------------------ */

static void add_process(const struct view *view, pid_t pid)
{
    char title[64];
    process_title(pid, title, sizeof(title));
    line_add(view->line, "process %s", title);
}

/* The other end of what a thread reads or writes. */
struct other_end {
    const char *link; /* link that its holders have open */
    bool is_pipe;     /* only holders that have it open for the other direction */
    bool writing;     /* the thread waits to write */
};

/* The next process that has it open. `before`: the previous holder, or NULL. */
static const struct holder *next_process(const struct holders *holders, const struct other_end *end,
                                         const struct holder *before)
{
    for (const struct holder *at = before; (at = holders_next(holders, end->link, at));)
        if ((!before || at->pid != before->pid) && (!end->is_pipe || (end->writing ? at->reads : at->writes)))
            return at;
    return NULL;
}

static bool has_more_descriptors(const struct holders *holders, const struct other_end *end,
                                 const struct holder *first)
{
    for (const struct holder *at = first;
         (at = holders_next(holders, end->link, at)) && at->pid == first->pid;)
        if (!end->is_pipe || (end->writing ? at->reads : at->writes))
            return true;
    return false;
}

/* The process itself is the first of the holders. */
static void add_holders(const struct view *view, const struct other_end *end)
{
    const struct files *files = view->waits->files;
    const struct holders *holders = &files->holders;
    const struct holder *at = next_process(holders, end, NULL);
    bool own = at && at->pid == files->pid, others = at && (!own || next_process(holders, end, at));
    struct line *line = view->line;
    unsigned named = 0;
    line_add(line, ", whose %s end ", !end->is_pipe ? "other" : end->writing ? "reading" : "writing");
    if (!others)
        line_add(line, "%s%s", holders->all_seen ? "" : "probably ", own ? "only " : "nobody holds");
    else
        line_add(line, "is held by ");
    for (; at && named < MAX_NAMED; at = next_process(holders, end, at)) {
        line_add(line, named++ ? ", " : "");
        if (at->pid == files->pid)
            line_add(line, "this process%s (descriptor %d%s)", others ? "" : " holds", at->fd,
                     has_more_descriptors(holders, end, at) ? " and more" : "");
        else
            add_process(view, at->pid);
    }
    unsigned more = 0;
    for (; at; at = next_process(holders, end, at))
        more++;
    if (more)
        line_add(line, " and %u more", more);
}

/* ---- kinds of files -------------------------------------------------------------------- */

static enum wait_on on_of_kind(enum file_kind kind)
{
    switch (kind) {
    case FILE_PIPE:
        return WAIT_PIPE;
    case FILE_SOCKET:
        return WAIT_SOCKET;
    case FILE_URING:
        return WAIT_URING;
    default:
        return WAIT_FILE;
    }
}

/* Sockets can have one (SO_RCVTIMEO), terminals too (VTIME). */
static enum wait_timeout timeout_of_kind(enum file_kind kind)
{
    bool may = kind == FILE_SOCKET || kind == FILE_TERMINAL || kind == FILE_CLOSED || kind == FILE_UNKNOWN ||
               kind == FILE_URING || kind == FILE_ANONYMOUS || kind == FILE_DEVICE;
    return may ? WAIT_TIMEOUT_UNKNOWN : WAIT_TIMEOUT_NO;
}

/* The owner of a file lock is a process: which of its threads took it is known only if there are no others.
 * The thread itself may have taken it by another descriptor. */
static void add_this_process(const struct view *view)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    struct wait *wait = view->wait;
    line_add(view->line, "this process");
    if (!snapshot->complete || snapshot->count != 2)
        return;
    wait->owner = snapshot->threads[snapshot->threads[0].tid == view->thread->tid].tid;
    wait->owner_inferred = true;
    line_add(view->line, ", probably by ");
    view_add_thread(view, wait->owner);
}

/* Finds the process that has a lock on it: "1: FLOCK ADVISORY WRITE 1234 fe:00:4711 0 EOF". Lines of waiting
 * processes have "->" as second word. */
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
        view->wait->object_length = (int)view->line->length;
        line_add(view->line, ", held by ");
        if (pid == view->waits->context.snapshot->pid)
            add_this_process(view);
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
        add_holders(view, &(struct other_end){link, false, writing});
    } else if (file->kind == FILE_PIPE)
        add_holders(view, &(struct other_end){file->link, true, writing});
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
    struct file_facts facts;
    read_path(view, view->thread->syscall_args[view->thread->syscall_nr == SYS_openat], path, sizeof(path));
    snprintf(full, sizeof(full), "/proc/%d/root%s", (int)view->waits->files->task, path);
    bool is_fifo = *path == '/' && file_facts_read(full, &facts) && S_ISFIFO(facts.mode);
    view->wait->on = is_fifo ? WAIT_PIPE : WAIT_FILE;
    line_add(view->line, "open of %s", is_fifo ? "pipe " : "");
    line_add(view->line, *path ? "%s" : "a file", path);
    return true;
}
