#include "cli/run/began.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "common/run_protocol.h"

enum { BEGAN_MAX = 1 << 20 }; /* a watched process can make files there */

static bool parse(const char *name, struct began *began)
{
    unsigned long long ns;
    int end = 0;
    if (sscanf(name, LEDGER_BEGAN_PREFIX "%d.%llu.%d%n", &began->pid, &ns, &began->parent, &end) != 3 ||
        name[end])
        return false;
    began->ns = ns;
    return began->pid > 0;
}

bool began_add(struct began_list *list, const char *name)
{
    struct began began;
    if (!parse(name, &began) || list->count == BEGAN_MAX)
        return true;
    if (!ARRAY_GROW(list->items, list->count))
        return false;
    list->items[list->count++] = began;
    return true;
}

static int by_pid(const void *a, const void *b)
{
    const struct began *x = a, *y = b;
    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    return (x->ns > y->ns) - (x->ns < y->ns);
}

void began_sort(struct began_list *list)
{
    if (list->count)
        qsort(list->items, list->count, sizeof(*list->items), by_pid);
}

void began_free(struct began_list *list)
{
    free(list->items);
    *list = (struct began_list){.count = 0};
}

static size_t first_since(const struct began_list *list, pid_t pid, uint64_t ns)
{
    const struct began wanted = {.pid = pid, .ns = ns};
    return SEARCH_FIRST(i, list->count, by_pid(&list->items[i], &wanted) >= 0);
}

bool began_between(const struct began_list *list, pid_t pid, uint64_t from_ns, uint64_t until_ns)
{
    size_t at = first_since(list, pid, from_ns);
    return at < list->count && list->items[at].pid == pid && list->items[at].ns < until_ns;
}

const struct began *began_latest(const struct began_list *list, pid_t pid, pid_t parent)
{
    const struct began *latest = NULL;
    for (size_t at = first_since(list, pid, 0); at < list->count && list->items[at].pid == pid; at++)
        if (list->items[at].parent == parent)
            latest = &list->items[at];
    return latest;
}

bool began_has_newer(const struct began_list *list, pid_t pid, const char *path)
{
    DIR *directory = opendir(path);
    bool found = false;
    struct began began;
    if (!directory)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(directory));)
        found = parse(entry->d_name, &began) && began.pid == pid &&
                !began_between(list, pid, began.ns, UINT64_MAX);
    closedir(directory);
    return found;
}
