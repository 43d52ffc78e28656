#include "cli/run/ledgers.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/common/cli.h"
#include "cli/common/run_dir.h"
#include "cli/run/ledger_owners.h"
#include "cli/run/tree.h"
#include "cli/run/wait_until.h"
#include "base/file.h"
#include "stacks/stacks.h"
#include "common/run_protocol.h"

#define LEDGER_BYTES_MAX \
    (UINT64_C(1) << 30) /* of all ledgers together: a million live threads have 128 MiB */
#define STACK_BYTES_MAX (UINT64_C(512) << 20) /* of all files of stacks */

struct collecting {
    const struct run_collect *collect;
    struct run_ledgers *ledgers;
    struct run_patience patience;
    struct run_owners owners;
    uint64_t ledger_bytes, stack_bytes; /* what may still be read */
};

/* "ledger.PID.N" */
static bool parse_name(const char *name, struct run_ledger *item)
{
    size_t prefix = strlen(LEDGER_FILE_PREFIX);
    if (strncmp(name, LEDGER_FILE_PREFIX, prefix))
        return false;
    char *end;
    long pid = strtol(name + prefix, &end, 10);
    if (pid <= 0 || pid > INT_MAX || *end != '.')
        return false;
    const char *image = end + 1;
    item->image = strtoul(image, &end, 10);
    item->pid = item->named = (pid_t)pid;
    return *image >= '0' && *image <= '9' && !*end;
}

/* Was its process killed before its ledger was ready? */
static bool never_began(const char *path)
{
    static const struct ledger_header nothing;
    struct ledger_header header = nothing;
    struct stat st;
    int fd = regular_file_open_here(path, &st);
    bool never = fd >= 0;
    if (never && st.st_size)
        never = pread(fd, &header, sizeof(header), 0) == sizeof(header) && !header.ready &&
                (!memcmp(header.magic, LEDGER_MAGIC, sizeof(header.magic)) ||
                 !memcmp(header.magic, nothing.magic, sizeof(header.magic)));
    if (fd >= 0)
        close(fd);
    return never;
}

/* Reads it after its process has ended, so it is complete. */
static enum ledger_open_status open_ended(const char *path, struct run_ledger *item, struct error *error)
{
    item->end.alive = false;
    enum ledger_open_status status = ledger_open_in_run(path, &item->ledger, error);
    return status == LEDGER_OPEN_FAILED && never_began(path) ? LEDGER_OPEN_NOT_WATCHED : status;
}

/* A ledger that cannot be read may belong to a process that is just beginning. */
static enum ledger_open_status open_once(const char *path, struct run_ledger *item, struct error *error)
{
    /* This must come first: if the process ends after it, its ledger is complete. */
    item->end.alive = ledger_file_in_use(path, item->pid);
    enum ledger_open_status status = ledger_open_in_run(path, &item->ledger, error);
    if (status != LEDGER_OPEN_FAILED)
        return status;
    return item->end.alive ? LEDGER_OPEN_NOT_WATCHED : open_ended(path, item, error);
}

/* A live process may be about to end. If it ends, its end is judged. */
static enum ledger_open_status open_item(const char *path, struct run_ledger *item,
                                         struct run_patience *patience, struct error *error)
{
    enum ledger_open_status status = open_once(path, item, error);
    if (status != LEDGER_OPEN_OK || !item->end.alive || !run_wait_until_ended(path, item->pid, patience))
        return status;
    ledger_close(item->ledger);
    return open_once(path, item, error);
}

/* The pid in the name can be that of another process here: one that is not of the tree, or one that does not
 * use the ledger. */
static enum ledger_open_status open_of_namespace(struct collecting *collecting, const char *path,
                                                 struct run_ledger *item, struct error *error)
{
    const struct ledger_header *header = ledger_get_header(item->ledger);
    const struct run_collect *collect = collecting->collect;
    if (item->end.alive && run_tree_has(collect->root, collect->directory, item->pid, true))
        return LEDGER_OPEN_OK;
    if (header->end != LEDGER_END_NONE) {
        item->end.alive = false;
        return LEDGER_OPEN_OK;
    }
    pid_t owner = run_owner_of(&collecting->owners, collect->root, collect->directory, path, header->pid);
    if (!owner)
        return LEDGER_OPEN_OK;
    ledger_close(item->ledger);
    item->pid = owner;
    enum ledger_open_status status = open_item(path, item, &collecting->patience, error);
    if (status == LEDGER_OPEN_OK && item->end.alive)
        ledger_use_tids_here(item->ledger, owner);
    return status;
}

static bool is_read(const struct run_ledgers *ledgers, const struct run_ledger *item)
{
    for (size_t i = 0; i < ledgers->count; i++)
        if (ledgers->items[i].named == item->named && ledgers->items[i].image == item->image)
            return true;
    return false;
}

/* Why no stacks were saved when the process ended; NULL: no reason is printed. */
static struct stacks *stacks_not_taken(const struct ledger_header *header)
{
    if (!(header->flags & LEDGER_UNSEEN))
        return NULL;
    if (header->flags & LEDGER_UNSEEN_SANDBOX)
        return stacks_none(
            "the process was in a sandbox when it ended, which may forbid what taking stacks needs");
    if (header->flags & LEDGER_UNSEEN_VALGRIND)
        return stacks_none("valgrind runs it: nothing can be started from within");
    return stacks_none("its stacks could not be taken at its end: it had changed its root, its user or "
                       "its network namespace, or was short of processes, memory or room for files");
}

static struct stacks *stacks_of(struct collecting *collecting, const char *name, const struct ledger *ledger)
{
    char path[RUN_DIR_MAX + NAME_MAX + 1];
    struct stat status;
    snprintf(path, sizeof(path), "%s/" STACKS_FILE_PREFIX "%s", collecting->collect->directory,
             name + strlen(LEDGER_FILE_PREFIX));
    if (lstat(path, &status) != 0)
        return stacks_not_taken(ledger_get_header(ledger));
    uint64_t size = (uint64_t)status.st_size;
    if (size > collecting->stack_bytes)
        return stacks_none("too many stacks were saved in this run");
    collecting->stack_bytes -= size;
    struct stacks *stacks = stacks_load(path);
    return stacks ? stacks : stacks_not_taken(ledger_get_header(ledger));
}

static bool keep_item(struct collecting *collecting, const char *name, struct run_ledger *item,
                      struct error *error)
{
    item->current = stacks_of(collecting, name, item->ledger);
    if (run_ledgers_add(collecting->ledgers, item))
        return true;
    stacks_free(item->current);
    ledger_close(item->ledger);
    return error_set(error, "out of memory");
}

/* What a watched process can make this one hold in memory is limited. */
static enum ledger_open_status within_limit(struct collecting *collecting, struct run_ledger *item,
                                            struct error *error)
{
    size_t bytes = ledger_bytes(item->ledger);
    if (bytes <= collecting->ledger_bytes) {
        collecting->ledger_bytes -= bytes;
        return LEDGER_OPEN_OK;
    }
    error_set(error, "the ledgers of this run are too large; that of process %d was not kept",
              (int)item->pid);
    ledger_close(item->ledger);
    return LEDGER_OPEN_FAILED;
}

static bool read_item(struct collecting *collecting, const char *name, struct error *error)
{
    struct run_ledger read = {.pid = 0};
    struct run_ledgers *ledgers = collecting->ledgers;
    char path[RUN_DIR_MAX + NAME_MAX + 1];
    enum unwatched_why why;
    if (!parse_name(name, &read) || is_read(ledgers, &read))
        return true;
    ledgers->any = true;
    snprintf(path, sizeof(path), "%s/%s", collecting->collect->directory, name);
    if (run_given_up_reason(path, &why))
        return run_given_up_add(ledgers, read.pid, read.image, why) || error_set(error, "out of memory");
    enum ledger_open_status status = open_item(path, &read, &collecting->patience, error);
    if (status == LEDGER_OPEN_OK)
        status = open_of_namespace(collecting, path, &read, error);
    if (status == LEDGER_OPEN_OK)
        status = within_limit(collecting, &read, error);
    ledgers->unreadable |= status == LEDGER_OPEN_FAILED;
    ledgers->unrecorded |= status == LEDGER_OPEN_FAILED && read.pid == ledgers->child;
    if (status == LEDGER_OPEN_FAILED)
        cli_message("run: %s; this process is missing from the report", error->text);
    return status != LEDGER_OPEN_OK || keep_item(collecting, name, &read, error);
}

/* A process of another pid namespace can have the pid of COMMAND there. */
static bool is_of_command(const struct run_ledger *item, pid_t child)
{
    return item->pid == child && ledger_get_header(item->ledger)->ppid == getpid();
}

/* If a process has called exec, wait(2) returns the status of its latest program, which may have no ledger.
 */
static void set_ends(struct run_ledgers *ledgers, pid_t child, int wait_status)
{
    const struct began *began = began_latest(&ledgers->began, child, getpid());
    struct run_ledger *latest = NULL;
    for (size_t i = 0; i < ledgers->count; i++) {
        struct run_ledger *item = &ledgers->items[i];
        if (!is_of_command(item, child))
            continue;
        item->end.alive = false;
        if (!latest || item->image > latest->image)
            latest = item;
    }
    const struct given_up *given_up = run_given_up_latest(ledgers, child);
    bool gave_up = given_up && (!latest || given_up->image > latest->image);
    ledgers->unrecorded |= gave_up;
    if (!latest || gave_up)
        return;
    const struct ledger_header *header = ledger_get_header(latest->ledger);
    ledgers->unrecorded |= header->lost_events && header->flags & LEDGER_NO_ROOM;
    if (began && began->ns > header->started_ns)
        return;
    ledgers->escaped = header->end == LEDGER_END_EXEC;
    latest->end.known = true;
    latest->end.wait_status = wait_status;
}

static int by_start(const void *a, const void *b)
{
    const struct run_ledger *x = a, *y = b;
    uint64_t from_x = ledger_get_header(x->ledger)->started_ns,
             from_y = ledger_get_header(y->ledger)->started_ns;
    if (from_x != from_y)
        return from_x < from_y ? -1 : 1;
    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    return x->image < y->image ? -1 : x->image > y->image;
}

static bool read_directory(struct collecting *collecting, struct error *error)
{
    const char *path = collecting->collect->directory;
    DIR *directory = opendir(path);
    if (!directory)
        return error_set(error, "%s: cannot be read: %s; do not remove it while COMMAND runs", path,
                         strerror(errno));
    bool read = true;
    collecting->ledgers->began.count = 0; /* they are read again */
    for (struct dirent *entry; read && (entry = readdir(directory));)
        read = read_item(collecting, entry->d_name, error) &&
               (began_add(&collecting->ledgers->began, entry->d_name) || error_set(error, "out of memory"));
    closedir(directory);
    began_sort(&collecting->ledgers->began);
    collecting->ledgers->any |= collecting->ledgers->began.count > 0;
    return read;
}

bool run_dir_collect(const struct run_collect *collect, struct run_ledgers *ledgers, struct error *error)
{
    struct collecting collecting = {.collect = collect,
                                    .ledgers = ledgers,
                                    .ledger_bytes =
                                        collect->ledger_bytes ? collect->ledger_bytes : LEDGER_BYTES_MAX,
                                    .stack_bytes = STACK_BYTES_MAX};
    if (collect->child)
        collecting.patience = RUN_PATIENCE;
    *ledgers = (struct run_ledgers){.child = collect->child};
    bool read = read_directory(&collecting, error);
    if (read && collect->child && run_wait_until_begun(ledgers, collect->child, collect->directory))
        read = read_directory(&collecting, error);
    run_owners_release(&collecting.owners);
    set_ends(ledgers, collect->child, collect->wait_status);
    read = read && run_unwatched_find(collect, ledgers, error);
    if (ledgers->count)
        qsort(ledgers->items, ledgers->count, sizeof(*ledgers->items), by_start);
    return read;
}
