#include "cli/run/settle.h"

#include <fcntl.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "proc/process.h"
#include "cli/common/run_env.h"
#include "cli/run/tree.h"

enum { REST_MS = 2 };

static void rest(void)
{
    nanosleep(&(struct timespec){0, REST_MS * 1000000}, NULL);
}

static bool has_forked(const struct run_ledgers *ledgers)
{
    for (size_t i = 0; i < ledgers->count; i++)
        if (ledger_get_header(ledgers->items[i].ledger)->flags & LEDGER_FORKS)
            return true;
    return false;
}

static bool is_read(const struct run_ledgers *ledgers, pid_t pid)
{
    for (size_t i = 0; i < ledgers->count; i++)
        if (ledgers->items[i].pid == pid && ledgers->items[i].end.alive)
            return true;
    return false;
}

static bool has_ledger(pid_t pid)
{
    struct ledger *ledger;
    struct error error;
    if (ledger_open_process(pid, &ledger, &error) != LEDGER_OPEN_OK)
        return false;
    ledger_close(ledger);
    return true;
}

bool run_settle_begun(const struct run_ledgers *ledgers, pid_t root, const char *directory)
{
    struct run_tree tree;
    if (!has_forked(ledgers) || !run_tree_scan(&tree, root, directory))
        return false;
    bool waited = false;
    unsigned patience_ms = RUN_SETTLE_MS;
    for (size_t i = 0; i < tree.count; i++) {
        pid_t pid = tree.items[i].pid;
        if (is_read(ledgers, pid))
            continue;
        for (; patience_ms > 0 && process_maps_file(pid, SHIM_NAME) && !has_ledger(pid);
             patience_ms -= REST_MS)
            rest();
        waited = true;
    }
    run_tree_release(&tree);
    return waited;
}

/* Between its exit() and its last moment. */
static bool is_ending(const char *ledger_path)
{
    int32_t tid = 0;
    int fd = open(ledger_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    ssize_t n = pread(fd, &tid, sizeof(tid), offsetof(struct ledger_header, end_tid));
    close(fd);
    return n == sizeof(tid) && tid != 0;
}

bool run_settle_ended(const char *ledger_path, pid_t pid, struct run_ledgers *ledgers)
{
    while (ledger_file_in_use(ledger_path, pid)) {
        unsigned *patience_ms = is_ending(ledger_path) ? &ledgers->ending_ms : &ledgers->patience_ms;
        if (*patience_ms == 0)
            return false;
        rest();
        *patience_ms -= *patience_ms < REST_MS ? *patience_ms : REST_MS;
    }
    return true;
}
