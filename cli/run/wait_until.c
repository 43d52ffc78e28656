#include "cli/run/wait_until.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/shim.h"
#include "base/file.h"
#include "proc/process.h"
#include "cli/common/run_dir.h"
#include "cli/run/tree.h"
#include "common/run_protocol.h"

enum { REST_MS = 2, LOADING_MS = 2000 };

static void rest(void)
{
    nanosleep(&(struct timespec){0, REST_MS * 1000000}, NULL);
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

static bool is_idle(pid_t pid)
{
    return process_maps_file(pid, SHIM_NAME) && !has_ledger(pid);
}

bool run_wait_until_begun(struct run_ledgers *ledgers, pid_t root, const char *directory)
{
    struct run_tree tree;
    if (!run_tree_scan(&tree, root, directory))
        return false;
    bool waited = false;
    unsigned patience_ms = RUN_PATIENCE.alive_ms;
    for (size_t i = 0; i < tree.count; i++) {
        pid_t pid = tree.items[i].pid;
        if (run_ledgers_have_alive(ledgers, pid))
            continue;
        for (; patience_ms > 0 && is_idle(pid); patience_ms -= REST_MS)
            rest();
        waited = true;
        if (is_idle(pid))
            run_ledgers_add_idle(ledgers, pid);
    }
    run_tree_release(&tree);
    return waited;
}

/* Has it called exit() but not ended yet? */
static bool is_ending(const char *ledger_path)
{
    int32_t tid = 0;
    struct stat status;
    int fd = regular_file_open_here(ledger_path, &status);
    if (fd < 0)
        return false;
    ssize_t n = pread(fd, &tid, sizeof(tid), offsetof(struct ledger_header, end_tid));
    close(fd);
    return n == sizeof(tid) && tid != 0;
}

bool run_wait_until_ended(const char *ledger_path, pid_t pid, struct run_patience *patience)
{
    while (ledger_file_in_use(ledger_path, pid)) {
        unsigned *left_ms = is_ending(ledger_path) ? &patience->ending_ms : &patience->alive_ms;
        if (*left_ms == 0)
            return false;
        rest();
        *left_ms -= *left_ms < REST_MS ? *left_ms : REST_MS;
    }
    return true;
}

/* The number of its next program: one more than that of the latest whose ledger was read. */
static unsigned long next_image(const struct run_ledgers *ledgers, pid_t pid)
{
    unsigned long next = 0;
    for (size_t i = 0; i < ledgers->count; i++)
        if (ledgers->items[i].pid == pid && ledgers->items[i].image >= next)
            next = ledgers->items[i].image + 1;
    return next;
}

static bool has_reported(const struct run_ledgers *ledgers, pid_t pid, const char *directory)
{
    char path[RUN_DIR_MAX + 64];
    struct stat status;
    snprintf(path, sizeof(path), "%s/" LEDGER_FILE_PREFIX "%d.%lu", directory, (int)pid,
             next_image(ledgers, pid));
    bool exists =
        stat(path, &status) == 0 && (status.st_mode & 0777) >= LEDGER_GAVE_UP_REASONS && status.st_size > 0;
    return exists || began_has_newer(&ledgers->began, pid, directory);
}

bool run_wait_until_reported(const struct run_ledgers *ledgers, pid_t pid, const char *directory)
{
    for (int ms = 0; ms < LOADING_MS; ms += REST_MS) {
        /* This must come first: if the process has ended by now, its ledger is complete. */
        bool exists = process_exists(pid);
        if (has_reported(ledgers, pid, directory) || (exists && process_maps_file(pid, SHIM_NAME)))
            return true;
        if (!exists)
            return false;
        rest();
    }
    return false;
}
