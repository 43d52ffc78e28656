#include "present_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int compare(const void *left, const void *right)
{
    const struct named_tid *a = left, *b = right;
    if (a->tid != b->tid)
        return a->tid < b->tid ? -1 : 1;
    return a->ended - b->ended;
}

static void add(struct present_names *names, pid_t tid, uint64_t id, bool ended)
{
    names->items[names->count++] = (struct named_tid){tid, id, ended};
}

bool present_names_read(struct present_names *names, const struct ledger *ledger, pid_t pid, bool live)
{
    uint32_t slots = ledger ? ledger_slot_count(ledger) : 0;
    struct ledger_slot slot;
    memset(names, 0, sizeof(*names));
    names->items = calloc(slots + 1, sizeof(*names->items));
    if (!names->items)
        return false;
    if (ledger)
        add(names, pid, LEDGER_MAIN_SERIAL, false);
    for (uint32_t i = 0; i < slots; i++)
        if (ledger_get_slot(ledger, i, &slot) && slot.tid > 0 && slot.tid != pid)
            add(names, slot.tid, slot.serial, (slot.state & SLOT_ENDED) != 0);
    qsort(names->items, names->count, sizeof(*names->items), compare);
    names->live_pid = live ? pid : 0;
    return true;
}

void present_names_release(struct present_names *names)
{
    free(names->items);
    memset(names, 0, sizeof(*names));
}

/* The first of this tid, a live one if there is any; count: there is none. */
static size_t find(const struct present_names *names, pid_t tid)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (names->items[middle].tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < names->count && names->items[low].tid == tid ? low : names->count;
}

/* The system gives out tids again: to a thread whose creation was not seen, too. */
static bool is_taken(const struct present_names *names, pid_t tid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)names->live_pid, (int)tid);
    return !names->live_pid || access(path, F_OK) == 0;
}

uint64_t present_names_id(const struct present_names *names, pid_t tid)
{
    size_t at = tid > 0 ? find(names, tid) : names->count;
    if (at == names->count)
        return 0;
    const struct named_tid *found = &names->items[at];
    bool two = at + 1 < names->count && found[1].tid == tid;
    return found->ended && (two || is_taken(names, tid)) ? 0 : found->id;
}

/* Of the few that are spoken of. */
static void read_name(const struct present_names *names, pid_t tid, char name[16])
{
    char path[64];
    name[0] = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", (int)names->live_pid, (int)tid);
    FILE *file = names->live_pid ? fopen(path, "re") : NULL;
    if (!file)
        return;
    size_t size = fread(name, 1, 15, file);
    name[size] = 0;
    char *end = strrchr(name, '\n');
    if (end)
        *end = 0;
    fclose(file);
}

bool present_names_say(void *arg, pid_t tid, char *to, size_t size)
{
    const struct present_names *names = arg;
    uint64_t id = present_names_id(names, tid);
    char name[16];
    int length =
        id ? snprintf(to, size, "T%llu", (unsigned long long)id) : snprintf(to, size, "tid %d", (int)tid);
    if (length < 0 || (size_t)length >= size)
        return false;
    read_name(names, tid, name);
    if (*name)
        snprintf(to + length, size - (size_t)length, " \"%s\"", name);
    return true;
}
