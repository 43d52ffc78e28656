#include "present_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right)
{
    const struct named_tid *a = left, *b = right;
    return (a->tid > b->tid) - (a->tid < b->tid);
}

static void add(struct present_names *names, pid_t tid, uint64_t id)
{
    names->items[names->count++] = (struct named_tid){tid, id};
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
        add(names, pid, LEDGER_MAIN_SERIAL);
    for (uint32_t i = 0; i < slots; i++)
        if (ledger_get_slot(ledger, i, &slot) && slot.tid > 0 && slot.tid != pid &&
            !(slot.state & SLOT_ENDED))
            add(names, slot.tid, slot.serial);
    qsort(names->items, names->count, sizeof(*names->items), compare);
    if (!live || !process_tasks(pid, &names->tasks))
        memset(&names->tasks, 0, sizeof(names->tasks));
    return true;
}

void present_names_release(struct present_names *names)
{
    free(names->items);
    task_list_release(&names->tasks);
    memset(names, 0, sizeof(*names));
}

uint64_t present_names_id(const struct present_names *names, pid_t tid)
{
    const struct named_tid key = {.tid = tid};
    if (tid <= 0 || !names->count)
        return 0;
    const struct named_tid *found = bsearch(&key, names->items, names->count, sizeof(key), compare);
    return found ? found->id : 0;
}

bool present_names_say(void *arg, pid_t tid, char *to, size_t size)
{
    const struct present_names *names = arg;
    uint64_t id = present_names_id(names, tid);
    const struct task *task = task_list_find(&names->tasks, tid);
    int length =
        id ? snprintf(to, size, "T%llu", (unsigned long long)id) : snprintf(to, size, "tid %d", (int)tid);
    if (length < 0 || (size_t)length >= size)
        return false;
    if (task && *task->name)
        snprintf(to + length, size - (size_t)length, " \"%s\"", task->name);
    return true;
}
