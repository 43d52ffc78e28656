#include "cli/run/ledgers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/common/cli.h"
#include "cli/common/run_dir.h"
#include "cli/run/wait_until.h"
#include "proc/process.h"
#include "stacks/stacks.h"

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
    item->pid = (pid_t)pid;
    return *image >= '0' && *image <= '9' && !*end;
}

/* Was its process killed before its ledger was ready? */
static bool never_began(const char *path)
{
    static const struct ledger_header nothing;
    struct ledger_header header = nothing;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool never = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (never && st.st_size)
        never = pread(fd, &header, sizeof(header), 0) == sizeof(header) && !header.ready &&
                (!memcmp(header.magic, LEDGER_MAGIC, sizeof(header.magic)) ||
                 !memcmp(header.magic, nothing.magic, sizeof(header.magic)));
    if (fd >= 0)
        close(fd);
    return never;
}

/* A ledger that cannot be read may belong to a process that is just beginning. */
static enum ledger_open_status open_once(const char *path, struct run_ledger *item, struct error *error)
{
    /* This must come first: if the process ends after it, its ledger is complete. */
    item->end.alive = ledger_file_in_use(path, item->pid);
    enum ledger_open_status status = ledger_open_file(path, &item->ledger, error);
    if (status != LEDGER_OPEN_FAILED)
        return status;
    if (process_exists(item->pid))
        return LEDGER_OPEN_NOT_WATCHED;
    item->end.alive = false;
    status = ledger_open_file(path, &item->ledger, error);
    return status == LEDGER_OPEN_FAILED && never_began(path) ? LEDGER_OPEN_NOT_WATCHED : status;
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

static bool is_read(const struct run_ledgers *ledgers, const struct run_ledger *item)
{
    for (size_t i = 0; i < ledgers->count; i++)
        if (ledgers->items[i].pid == item->pid && ledgers->items[i].image == item->image)
            return true;
    return false;
}

/* Why no stacks were saved when the process ended; NULL: no reason is printed. */
static struct stacks *stacks_not_taken(const struct ledger_header *header)
{
    if (!(header->flags & LEDGER_UNSEEN))
        return NULL;
    if (header->flags & LEDGER_UNSEEN_SANDBOX)
        return stacks_none("the process was in a sandbox of its own when it ended, and was left alone");
    if (header->flags & LEDGER_UNSEEN_VALGRIND)
        return stacks_none("valgrind runs it: nothing can be started from within");
    return stacks_none("its stacks could not be taken at its end: it had changed its root, its user or "
                       "its network namespace, or was short of processes, memory or room for files");
}

static bool read_item(const char *directory, const char *name, struct run_ledgers *ledgers,
                      struct run_patience *patience, struct error *error)
{
    struct run_ledger read = {.pid = 0};
    char path[RUN_DIR_MAX + NAME_MAX + 1];
    if (!parse_name(name, &read) || is_read(ledgers, &read))
        return true;
    ledgers->any = true;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    enum unwatched_why why;
    if (run_given_up_reason(path, &why))
        return run_given_up_add(ledgers, read.pid, read.image, why) || error_set(error, "out of memory");
    enum ledger_open_status status = open_item(path, &read, patience, error);
    ledgers->unreadable |= status == LEDGER_OPEN_FAILED;
    ledgers->unrecorded |= status == LEDGER_OPEN_FAILED && read.pid == ledgers->child;
    if (status == LEDGER_OPEN_FAILED)
        cli_message("run: %s; this process is missing from the report", error->text);
    if (status != LEDGER_OPEN_OK)
        return true;
    snprintf(path, sizeof(path), "%s/" STACKS_FILE_PREFIX "%s", directory, name + strlen(LEDGER_FILE_PREFIX));
    read.current = stacks_load(path);
    if (!read.current)
        read.current = stacks_not_taken(ledger_get_header(read.ledger));
    if (run_ledgers_add(ledgers, &read))
        return true;
    stacks_free(read.current);
    ledger_close(read.ledger);
    return error_set(error, "out of memory");
}

/* If a process has called exec, wait(2) returns the status of its latest program. */
static void set_ends(struct run_ledgers *ledgers, pid_t child, int wait_status)
{
    struct run_ledger *latest = NULL;
    for (size_t i = 0; i < ledgers->count; i++) {
        struct run_ledger *item = &ledgers->items[i];
        if (item->pid != child)
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

static bool read_directory(const char *path, struct run_ledgers *ledgers, struct run_patience *patience,
                           struct error *error)
{
    DIR *directory = opendir(path);
    if (!directory)
        return error_set(error, "%s: cannot be read: %s; do not remove it while COMMAND runs", path,
                         strerror(errno));
    bool read = true;
    for (struct dirent *entry; read && (entry = readdir(directory));)
        read = read_item(path, entry->d_name, ledgers, patience, error);
    closedir(directory);
    return read;
}

bool run_dir_collect(const struct run_collect *collect, struct run_ledgers *ledgers, struct error *error)
{
    const char *path = collect->directory;
    struct run_patience patience = collect->child ? RUN_PATIENCE : (struct run_patience){0, 0};
    *ledgers = (struct run_ledgers){.child = collect->child};
    bool read = read_directory(path, ledgers, &patience, error);
    if (read && collect->child && run_wait_until_begun(ledgers, collect->child, path))
        read = read_directory(path, ledgers, &patience, error);
    set_ends(ledgers, collect->child, collect->wait_status);
    read = read && run_unwatched_find(collect, ledgers, error);
    if (ledgers->count)
        qsort(ledgers->items, ledgers->count, sizeof(*ledgers->items), by_start);
    return read;
}
