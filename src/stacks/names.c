#include "stacks/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/file.h"
#include "proc/stat.h"
#include "proc/tasks.h"

static int compare(const void *left, const void *right)
{
    const struct named_tid *a = left, *b = right;
    if (a->tid != b->tid)
        return a->tid < b->tid ? -1 : 1;
    return a->ended - b->ended;
}

static void add(struct thread_names *names, pid_t tid, uint64_t id, bool ended)
{
    names->items[names->count++] = (struct named_tid){tid, id, ended};
}

/* Of those of one tid the living one; of two that have ended, nobody can tell. */
static void make_unique(struct thread_names *names)
{
    size_t count = 0;
    for (size_t i = 0; i < names->count; i++) {
        const struct named_tid item = names->items[i];
        size_t next = i + 1;
        while (next < names->count && names->items[next].tid == item.tid)
            next++;
        if (!item.ended || next == i + 1)
            names->items[count++] = item;
        i = next - 1;
    }
    names->count = count;
}

static bool is_there(const struct thread_names *names, pid_t tid)
{
    return names->live_pid && access(PROC_PATH("%d/task/%d", names->live_pid, tid), F_OK) == 0;
}

bool thread_names_read(struct thread_names *names, const struct ledger *ledger, pid_t pid, bool live)
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
            add(names, slot.tid, slot.serial, slot.state & SLOT_ENDED);
    qsort(names->items, names->count, sizeof(*names->items), compare);
    make_unique(names);
    names->live_pid = live ? pid : 0;
    return true;
}

void thread_names_release(struct thread_names *names)
{
    free(names->items);
    memset(names, 0, sizeof(*names));
}

uint64_t thread_names_id(const struct thread_names *names, pid_t tid)
{
    if (tid <= 0 || !names->count)
        return 0;
    const struct named_tid *found =
        bsearch(&tid, names->items, names->count, sizeof(*names->items), compare_tids);
    return found && !(found->ended && is_there(names, tid)) ? found->id : 0;
}

/* Of the few that are spoken of. */
static void read_name(const struct thread_names *names, pid_t tid, char name[16])
{
    struct task_stat stat = {.name = ""};
    if (names->live_pid)
        task_stat_read(names->live_pid, tid, &stat);
    memcpy(name, stat.name, sizeof(stat.name));
}

bool thread_names_format(void *arg, pid_t tid, char *to, size_t size)
{
    const struct thread_names *names = arg;
    uint64_t id = thread_names_id(names, tid);
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
