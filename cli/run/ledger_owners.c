#include "cli/run/ledger_owners.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "cli/run/tree.h"
#include "ledger/ledger.h"
#include "proc/status.h"

static void add(struct run_owners *owners, pid_t pid)
{
    struct task_status status;
    if (!task_status_read(pid, 0, &status) || status.own_pid == pid ||
        !ARRAY_GROW(owners->items, owners->count))
        return;
    owners->items[owners->count++] = (struct run_owner){pid, status.own_pid};
}

static void scan(struct run_owners *owners, pid_t root, const char *directory)
{
    struct run_tree tree;
    owners->scanned = true;
    if (!run_tree_scan(&tree, root, directory))
        return;
    for (size_t i = 0; i < tree.count; i++)
        add(owners, tree.items[i].pid);
    run_tree_release(&tree);
}

pid_t run_owner_of(struct run_owners *owners, pid_t root, const char *directory, const char *ledger_path,
                   pid_t own_pid)
{
    if (!owners->scanned)
        scan(owners, root, directory);
    for (size_t i = 0; i < owners->count; i++)
        if (owners->items[i].own_pid == own_pid && ledger_file_in_use(ledger_path, owners->items[i].pid))
            return owners->items[i].pid;
    return 0;
}

void run_owners_release(struct run_owners *owners)
{
    free(owners->items);
    memset(owners, 0, sizeof(*owners));
}
