#include "proc/own_tids.h"

#include <dirent.h>
#include <stdlib.h>

#include "base/array.h"
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
