#include "cli/run/ledgers.h"

#include <stdlib.h>
#include <string.h>

/* One more item has room.  The capacity doubles at each power of two. */
static void *with_room(void *items, size_t count, size_t size)
{
    return count & (count - 1) ? items : realloc(items, (count ? count * 2 : 1) * size);
}

bool run_ledgers_add(struct run_ledgers *ledgers, const struct run_ledger *item)
{
    struct run_ledger *items = with_room(ledgers->items, ledgers->count, sizeof(*items));
    if (!items)
        return false;
    ledgers->items = items;
    items[ledgers->count++] = *item;
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
    struct unwatched *items = with_room(ledgers->unwatched, ledgers->unwatched_count, sizeof(*items));
    if (!items)
        return false;
    ledgers->unwatched = items;
    char *given = strdup(name), *absolute = realpath(exe, NULL);
    if (!absolute)
        absolute = strdup(name);
    if (!given || !absolute) {
        free(given);
        free(absolute);
        return false;
    }
    items[ledgers->unwatched_count++] =
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
    unwatched_free(ledgers->unwatched, ledgers->unwatched_count);
    memset(ledgers, 0, sizeof(*ledgers));
}
