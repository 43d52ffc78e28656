#include "cli/run/ledgers.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

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
    unwatched_free(ledgers->unwatched, ledgers->unwatched_count);
    memset(ledgers, 0, sizeof(*ledgers));
}
