#include "cli/run/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/compat.h"
#include "common/ledger.h"
#include "common/run_protocol.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "proc/file.h"
#include "proc/process.h"
#include "proc/status.h"

enum { TERM_MS = 2000, KILL_MS = 10000, REST_MS = 5, DEPTH_MAX = 10000 };

struct candidate {
    struct tree_process process;
    pid_t parent;
    bool member;
};

/* ---- the list ----------------------------------------------------------------------- */

static bool read_stat(pid_t pid, struct candidate *candidate)
{
    struct task_stat stat;
    if (!task_stat_read(pid, 0, &stat))
        return false;
    *candidate = (struct candidate){.process = {pid, stat.start_ticks}, .parent = stat.parent};
    return !task_state_is_end(stat.state);
}

static bool has_directory(pid_t pid, const char *directory)
{
    char wanted[4200];
    size_t size = 0;
    bool found = false;
    int length = snprintf(wanted, sizeof(wanted), LEDGER_RUN_ENV "=%s", directory);
    int fd = open(PROC_PATH("%d/environ", pid), O_RDONLY | O_CLOEXEC);
    char *text = fd >= 0 ? read_beginning(fd, PROC_ARGUMENTS_MAX, &size) : NULL;
    for (size_t at = 0; at < size && !found; at += strlen(text + at) + 1)
        found = strcmp(text + at, wanted) == 0;
    if (!found && size == PROC_ARGUMENTS_MAX) /* the rest was not read */
        found = process_maps_file_in(pid, directory);
    free(text);
    if (fd >= 0)
        close(fd);
    return found && length < (int)sizeof(wanted);
}

/* NULL: out of memory, or no /proc. */
static struct candidate *list_all(size_t *count)
{
    struct candidate *list = NULL;
    bool ok = true;
    DIR *directory = opendir("/proc");
    *count = 0;
    for (long pid; ok && directory && (pid = proc_next_number(directory)) >= 0;) {
        ok = ARRAY_GROW(list, *count);
        if (ok && pid != getpid())
            *count += read_stat((pid_t)pid, &list[*count]);
    }
    if (directory)
        closedir(directory);
    if (ok)
        return list;
    free(list);
    return NULL;
}

static bool is_member(const struct candidate *list, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].process.pid == pid)
            return list[i].member;
    return false;
}

bool run_tree_scan(struct run_tree *tree, pid_t root, const char *directory)
{
    size_t count;
    bool more = true;
    struct candidate command = {.parent = 0};
    memset(tree, 0, sizeof(*tree));
    read_stat(root, &command); /* perhaps it has ended */
    struct candidate *list = list_all(&count);
    tree->items = list ? calloc(count + 1, sizeof(*tree->items)) : NULL;
    for (size_t i = 0; tree->items && i < count; i++)
        list[i].member =
            list[i].process.pid == root || (list[i].process.start_ticks >= command.process.start_ticks &&
                                            has_directory(list[i].process.pid, directory));
    while (tree->items && more) {
        more = false;
        for (size_t i = 0; i < count; i++)
            if (!list[i].member && (list[i].parent == root || is_member(list, count, list[i].parent)))
                more = list[i].member = true;
    }
    for (size_t i = 0; tree->items && i < count; i++)
        if (list[i].member)
            tree->items[tree->count++] = list[i].process;
    free(list);
    return tree->items != NULL;
}

bool run_tree_has(pid_t root, const char *directory, pid_t pid, bool believe_environment)
{
    struct candidate at = {.parent = pid};
    for (unsigned depth = 0; at.parent > 1 && depth < DEPTH_MAX; depth++) {
        if (at.parent == root)
            return true;
        pid_t parent = at.parent;
        if (believe_environment && has_directory(parent, directory))
            return true;
        if (!read_stat(parent, &at))
            return false;
    }
    return false;
}

void run_tree_release(struct run_tree *tree)
{
    free(tree->items);
    memset(tree, 0, sizeof(*tree));
}

/* ---- their end ------------------------------------------------------------------------ */

/* Sends it to this process only, not to a later one with its pid. */
static void send_to(const struct tree_process *process, int number)
{
    struct candidate now;
    int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    bool same = read_stat(process->pid, &now) && now.process.start_ticks == process->start_ticks;
    if (same && fd >= 0)
        syscall(SYS_pidfd_send_signal, fd, number, NULL, 0);
    else if (same && errno == ENOSYS)
        kill(process->pid, number);
    if (fd >= 0)
        close(fd);
}

static bool is_in(const struct run_tree *tree, const struct tree_process *process)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->items[i].pid == process->pid && tree->items[i].start_ticks == process->start_ticks)
            return true;
    return false;
}

/* Sends the signal to each process once, SIGKILL repeatedly, until no process is left. */
static bool end_with(int number, unsigned ms, pid_t root, const char *directory, struct snapshot_holds *holds)
{
    struct run_tree signalled = {0}, tree;
    uint64_t until = now_ns() + ms * UINT64_C(1000000);
    bool gone = false;
    for (;;) {
        if (!run_tree_scan(&tree, root, directory))
            break;
        gone = tree.count == 0;
        for (size_t i = 0; i < tree.count; i++) {
            if (number != SIGKILL && is_in(&signalled, &tree.items[i]))
                continue;
            send_to(&tree.items[i], number);
            if (number != SIGKILL)
                send_to(&tree.items[i], SIGCONT); /* a stopped process acts on no other signal */
        }
        run_tree_release(&signalled);
        signalled = tree;
        snapshot_holds_release(holds);
        if (gone || now_ns() >= until)
            break;
        nanosleep(&(struct timespec){0, REST_MS * 1000000}, NULL);
    }
    run_tree_release(&signalled);
    return gone;
}

bool run_tree_end(pid_t root, const char *directory, struct snapshot_holds *holds)
{
    bool gone = end_with(SIGTERM, TERM_MS, root, directory, holds) ||
                end_with(SIGKILL, KILL_MS, root, directory, holds);
    snapshot_holds_release(holds); /* the list of processes could not be read */
    return gone;
}
