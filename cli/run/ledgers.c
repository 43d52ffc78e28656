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
#include "cli/run/marks.h"
#include "cli/run/settle.h"
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

static struct run_ledger *add_item(struct run_ledgers *ledgers)
{
    /* doubled at each power of two */
    if (!(ledgers->count & (ledgers->count - 1))) {
        size_t capacity = ledgers->count ? ledgers->count * 2 : 1;
        struct run_ledger *items = realloc(ledgers->items, capacity * sizeof(*items));
        if (!items)
            return NULL;
        ledgers->items = items;
    }
    struct run_ledger *item = &ledgers->items[ledgers->count++];
    memset(item, 0, sizeof(*item));
    return item;
}

/* Was its process killed before its ledger was ready? */
static bool never_began(const char *path)
{
    static const struct ledger_header nothing;
    struct ledger_header header = nothing;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool never =
        fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) != LEDGER_GIVEN_UP_MODE;
    if (never && st.st_size)
        never = pread(fd, &header, sizeof(header), 0) == sizeof(header) && !header.ready &&
                (!memcmp(header.magic, LEDGER_MAGIC, sizeof(header.magic)) ||
                 !memcmp(header.magic, nothing.magic, sizeof(header.magic)));
    if (fd >= 0)
        close(fd);
    return never;
}

/* One that cannot be read may be that of a process that is only just beginning;
 * what one that has ended since left is there by now. */
static enum ledger_open_status open_once(const char *path, struct run_ledger *item, struct error *error)
{
    /* Asked first: a process that ends in between has then left all it had. */
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

/* One that is alive is perhaps just ending, and judged then. */
static enum ledger_open_status open_item(const char *path, struct run_ledger *item,
                                         struct run_ledgers *ledgers, struct error *error)
{
    enum ledger_open_status status = open_once(path, item, error);
    if (status != LEDGER_OPEN_OK || !item->end.alive || !run_settle_ended(path, item->pid, ledgers))
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

/* It ended without anybody having looked where its threads were. */
static struct stacks *stacks_unseen(const struct ledger_header *header)
{
    if (!(header->flags & LEDGER_UNSEEN))
        return NULL;
    if (header->flags & LEDGER_UNSEEN_SANDBOX)
        return stacks_none("the process was in a sandbox of its own when it ended, and was left alone");
    if (header->flags & LEDGER_UNSEEN_VALGRIND)
        return stacks_none("valgrind runs it: nothing can be started from within");
    return stacks_none(
        "the process could not be looked at when it ended: it had changed its root, its user or "
        "its network namespace, or was short of processes or memory");
}

static bool read_item(const char *directory, const char *name, struct run_ledgers *ledgers,
                      struct error *error)
{
    struct run_ledger read = {.pid = 0};
    char path[RUN_DIR_MAX + NAME_MAX + 1];
    if (!parse_name(name, &read) || is_read(ledgers, &read))
        return true;
    ledgers->any = true;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    enum ledger_open_status status = open_item(path, &read, ledgers, error);
    ledgers->unreadable |= status == LEDGER_OPEN_FAILED;
    if (status == LEDGER_OPEN_FAILED)
        cli_say("run: %s; this process is missing from the report", error->text);
    if (status != LEDGER_OPEN_OK)
        return true;
    struct run_ledger *item = add_item(ledgers);
    if (!item) {
        ledger_close(read.ledger);
        error_set(error, "out of memory");
        return false;
    }
    snprintf(path, sizeof(path), "%s/" STACKS_FILE_PREFIX "%s", directory, name + strlen(LEDGER_FILE_PREFIX));
    read.current = stacks_load(path);
    if (!read.current)
        read.current = stacks_unseen(ledger_get_header(read.ledger));
    *item = read;
    return true;
}

/* Of a process that has called exec, the latest image is what wait(2) speaks of. */
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
    if (!latest)
        return;
    ledgers->escaped = ledger_get_header(latest->ledger)->end == LEDGER_END_EXEC;
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

static bool read_directory(const char *path, struct run_ledgers *ledgers, struct error *error)
{
    DIR *directory = opendir(path);
    if (!directory) {
        error_set(error, "%s: cannot be read: %s; was it removed while COMMAND ran?", path, strerror(errno));
        return false;
    }
    bool read = true;
    for (struct dirent *entry; read && (entry = readdir(directory));)
        read = read_item(path, entry->d_name, ledgers, error);
    closedir(directory);
    return read;
}

bool run_dir_collect(const char *path, pid_t child, int wait_status, bool strict, struct run_ledgers *ledgers,
                     struct error *error)
{
    memset(ledgers, 0, sizeof(*ledgers));
    ledgers->patience_ms = child ? RUN_SETTLE_MS : 0;
    ledgers->ending_ms = child ? RUN_ENDING_MS : 0;
    bool read = read_directory(path, ledgers, error);
    if (read && child && run_settle_begun(ledgers, child, path))
        read = read_directory(path, ledgers, error);
    set_ends(ledgers, child, wait_status);
    read = read && run_marks_read(path, strict, ledgers, error);
    if (ledgers->count)
        qsort(ledgers->items, ledgers->count, sizeof(*ledgers->items), by_start);
    return read;
}

void run_ledgers_release(struct run_ledgers *ledgers)
{
    for (size_t i = 0; i < ledgers->count; i++) {
        stacks_free(ledgers->items[i].current);
        ledger_close(ledgers->items[i].ledger);
    }
    free(ledgers->items);
    unwatched_free(ledgers->unwatched, ledgers->unwatched_count);
    memset(ledgers, 0, sizeof(*ledgers));
}
