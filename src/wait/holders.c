#include "wait/holders.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/search.h"
#include "proc/file.h"
#include "proc/process.h"

/* A limit of processor time: what a report says must not depend on how busy the machine is. */
enum { SCAN_CPU_MS = 100, MAX_LINK = 4096 };

bool holders_want(struct holders *holders, const char *link)
{
    if (!ARRAY_GROW(holders->wanted, holders->wanted_count))
        return false;
    char *copy = strdup(link);
    if (copy)
        holders->wanted[holders->wanted_count++] = copy;
    return copy != NULL;
}

static int compare_links(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_wanted(struct holders *holders)
{
    size_t kept = 0;
    qsort(holders->wanted, holders->wanted_count, sizeof(char *), compare_links);
    for (size_t i = 0; i < holders->wanted_count; i++) {
        if (kept && strcmp(holders->wanted[kept - 1], holders->wanted[i]) == 0)
            free(holders->wanted[i]);
        else
            holders->wanted[kept++] = holders->wanted[i];
    }
    holders->wanted_count = kept;
}

/* The process itself is sorted before others. */
static int compare_holders(const void *a, const void *b, void *pid)
{
    const struct holder *x = a, *y = b;
    int order = strcmp(x->link, y->link);
    if (order)
        return order;
    if (x->pid != y->pid) {
        pid_t first = *(const pid_t *)pid;
        return x->pid == first ? -1 : y->pid == first ? 1 : x->pid < y->pid ? -1 : 1;
    }
    return x->fd < y->fd ? -1 : x->fd > y->fd;
}

static void add_holder(struct holders *holders, const struct holder *holder)
{
    if (ARRAY_GROW(holders->items, holders->count))
        holders->items[holders->count++] = *holder;
    else
        holders->all_seen = false;
}

static void scan_process(struct holders *holders, pid_t pid, pid_t task, uint64_t until)
{
    char text[MAX_LINK];
    const char *key = text;
    const struct dirent *entry;
    DIR *directory = opendir(PROC_PATH("%d/fd", task));
    if (!directory) {
        /* A process that has ended meanwhile has nothing open. */
        if (access(PROC_PATH("%d", task), F_OK) == 0)
            holders->all_seen = false;
        return;
    }
    while ((entry = readdir(directory))) {
        struct stat status;
        if (entry->d_name[0] == '.')
            continue;
        if (cpu_ns() > until) {
            holders->all_seen = false;
            break;
        }
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, text, sizeof(text) - 1);
        text[length > 0 ? length : 0] = 0;
        char **found = bsearch(&key, holders->wanted, holders->wanted_count, sizeof(char *), compare_links);
        if (!found || fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        const struct holder holder = {*found, pid, atoi(entry->d_name), status.st_mode & S_IRUSR,
                                      status.st_mode & S_IWUSR};
        add_holder(holders, &holder);
    }
    closedir(directory);
}

/*
 * Is it this program, or the process that the shim starts between the watched process and this one? That is a
 * copy of the watched process with all its descriptors.
 */
static bool is_reporting(pid_t pid, pid_t watched_pid)
{
    if (pid == getpid())
        return true;
    if (pid != getppid() || process_parent(pid) != watched_pid)
        return false;
    char *between = process_exe(pid), *watched = process_exe(watched_pid);
    bool same = between && watched && strcmp(between, watched) == 0;
    free(between);
    free(watched);
    return same;
}

void holders_scan(struct holders *holders, pid_t pid, pid_t task)
{
    uint64_t until = cpu_ns() + SCAN_CPU_MS * UINT64_C(1000000);
    holders->all_seen = true;
    if (!holders->wanted_count)
        return;
    sort_wanted(holders);
    /* The process itself has no time limit: RLIMIT_NOFILE bounds its descriptors. */
    scan_process(holders, pid, task, UINT64_MAX);
    DIR *processes = opendir("/proc");
    for (long other; processes && cpu_ns() <= until && (other = proc_next_number(processes)) >= 0;)
        if (other != pid && !is_reporting((pid_t)other, pid))
            scan_process(holders, (pid_t)other, (pid_t)other, until);
    if (!processes || cpu_ns() > until)
        holders->all_seen = false;
    if (processes)
        closedir(processes);
    if (holders->count)
        qsort_r(holders->items, holders->count, sizeof(*holders->items), compare_holders, &pid);
}

const struct holder *holders_next(const struct holders *holders, const char *link, const struct holder *after)
{
    const struct holder *items = holders->items;
    size_t next = after ? (size_t)(after - items) + 1
                        : SEARCH_FIRST(i, holders->count, strcmp(items[i].link, link) >= 0);
    return next < holders->count && strcmp(items[next].link, link) == 0 ? &items[next] : NULL;
}

void holders_release(struct holders *holders)
{
    for (size_t i = 0; i < holders->wanted_count; i++)
        free(holders->wanted[i]);
    free(holders->wanted);
    free(holders->items);
}
