#include "proc/own_tids.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/search.h"
#include "proc/file.h"
#include "proc/process.h"
#include "proc/status.h"
#include "proc/tasks.h"

static void add(struct own_tids *tids, pid_t pid, pid_t tid)
{
    struct task_status status;
    if (task_status_read(pid, tid, &status) && ARRAY_GROW(tids->items, tids->count))
        tids->items[tids->count++] = (struct own_tid){status.own_tid, tid};
}

void own_tids_read(struct own_tids *tids, pid_t pid)
{
    struct task_status status;
    *tids = (struct own_tids){.items = NULL};
    /* A pid can be the same number in both. The namespace of another user's process is not readable. */
    tids->differ =
        task_status_read(pid, 0, &status) && (status.own_pid != pid || !process_shares_namespace(pid, "pid"));
    DIR *directory = tids->differ ? opendir(PROC_PATH("%d/task", pid)) : NULL;
    if (!directory)
        return;
    for (long tid; (tid = proc_next_number(directory)) >= 0;)
        add(tids, pid, (pid_t)tid);
    closedir(directory);
    if (tids->count)
        qsort(tids->items, tids->count, sizeof(*tids->items), compare_tids);
}

void own_tids_release(struct own_tids *tids)
{
    free(tids->items);
    *tids = (struct own_tids){.items = NULL};
}

pid_t own_tids_find(const struct own_tids *tids, pid_t own)
{
    if (!tids->differ)
        return own;
    size_t at = SEARCH_FIRST(i, tids->count, tids->items[i].own >= own);
    return own > 0 && at < tids->count && tids->items[at].own == own ? tids->items[at].tid : 0;
}

/* ---- children ---- */

static bool is_child(pid_t child, pid_t own, const char *namespace)
{
    struct task_status status;
    char its[64] = "";
    return task_status_read(child, 0, &status) && status.own_pid == own &&
           readlink(PROC_PATH("%d/ns/pid", child), its, sizeof(its) - 1) > 0 && strcmp(its, namespace) == 0;
}

/* Of one task. The file needs CONFIG_PROC_CHILDREN. */
static pid_t find_child(const char *file, pid_t own, const char *namespace)
{
    struct stat status;
    size_t length;
    pid_t found = 0;
    int fd = regular_file_open(file, &status);
    char *text = fd >= 0 ? read_beginning(fd, 1 << 20, &length) : NULL;
    for (char *at = text; at && *at && !found;) {
        char *next;
        pid_t child = (pid_t)strtol(at, &next, 10);
        if (next == at)
            break;
        at = next;
        found = is_child(child, own, namespace) ? child : 0;
    }
    free(text);
    if (fd >= 0)
        close(fd);
    return found;
}

pid_t own_child_find(pid_t pid, pid_t own)
{
    char namespace[64] = "";
    pid_t found = 0;
    DIR *directory = opendir(PROC_PATH("%d/task", pid));
    if (!directory)
        return 0;
    if (readlink(PROC_PATH("%d/ns/pid", pid), namespace, sizeof(namespace) - 1) > 0)
        for (long tid; !found && (tid = proc_next_number(directory)) >= 0;)
            found = find_child(PROC_PATH("%d/task/%ld/children", pid, tid), own, namespace);
    closedir(directory);
    return found;
}
