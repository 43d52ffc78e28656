#include "cli/run/ledgers.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "proc/process.h"

bool run_ledgers_add(struct run_ledgers *ledgers, const struct run_ledger *item)
{
    if (!ARRAY_GROW(ledgers->items, ledgers->count))
        return false;
    ledgers->items[ledgers->count++] = *item;
    return true;
}

bool run_ledgers_have_alive(const struct run_ledgers *ledgers, pid_t pid)
{
    for (size_t i = 0; i < ledgers->count; i++)
        if (ledgers->items[i].pid == pid && ledgers->items[i].end.alive)
            return true;
    return false;
}

void run_ledgers_add_idle(struct run_ledgers *ledgers, pid_t pid)
{
    if (ARRAY_GROW(ledgers->idle, ledgers->idle_count))
        ledgers->idle[ledgers->idle_count++] = pid;
}

static bool is_shown(const struct run_ledgers *ledgers, pid_t pid)
{
    for (size_t i = 0; i < ledgers->count; i++)
        if (ledger_get_header(ledgers->items[i].ledger)->pid == pid)
            return true;
    for (size_t i = 0; i < ledgers->idle_count; i++)
        if (ledgers->idle[i] == pid)
            return true;
    return !ledgers->child && process_exists(pid); /* timed out: all live processes are shown */
}

size_t run_ledgers_count_idle(const struct run_ledgers *ledgers)
{
    const struct began *began = ledgers->began.items;
    size_t count = 0;
    for (size_t i = 0; i < ledgers->began.count; i++)
        count += (i == 0 || began[i - 1].pid != began[i].pid) && !is_shown(ledgers, began[i].pid);
    return count;
}

bool run_ledgers_add_unwatched(struct run_ledgers *ledgers, pid_t pid, const char *name, const char *exe,
                               enum unwatched_why why)
{
    if (!ARRAY_GROW(ledgers->unwatched, ledgers->unwatched_count))
        return false;
    char *given = strdup(name), *absolute = realpath(exe, NULL);
    if (!absolute)
        absolute = strdup(name);
    if (!given || !absolute) {
        free(given);
        free(absolute);
        return false;
    }
    ledgers->unwatched[ledgers->unwatched_count++] =
        (struct unwatched){.pid = pid, .name = given, .exe = absolute, .why = why};
    return true;
}

void run_ledgers_release(struct run_ledgers *ledgers)
{
    for (size_t i = 0; i < ledgers->count; i++) {
        stacks_free(ledgers->items[i].current);
        ledger_close(ledgers->items[i].ledger);
    }
    free(ledgers->items);
    free(ledgers->given_up);
    free(ledgers->idle);
    began_free(&ledgers->began);
    unwatched_free(ledgers->unwatched, ledgers->unwatched_count);
    memset(ledgers, 0, sizeof(*ledgers));
}
