#include "stacks/names.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proc/file.h"
#include "proc/status.h"

static bool is_there(const struct thread_names *names, pid_t tid)
{
    return names->live_pid && access(PROC_PATH("%d/task/%d", names->live_pid, tid), F_OK) == 0;
}

bool thread_names_read(struct thread_names *names, const struct ledger *ledger, pid_t pid, bool live)
{
    names->pid = ledger ? pid : 0;
    names->live_pid = live ? pid : 0;
    return thread_index_read(&names->index, ledger);
}

void thread_names_release(struct thread_names *names)
{
    thread_index_release(&names->index);
}

/* Two ended threads may have this tid, and nothing shows which one is meant. */
static bool is_ambiguous(const struct thread_index *index, const struct ledger_slot *slot)
{
    const struct ledger_slot *next = slot + 1;
    return slot->state & SLOT_ENDED && next < index->slots + index->count && next->tid == slot->tid;
}

uint64_t thread_names_id(const struct thread_names *names, pid_t tid)
{
    if (tid > 0 && tid == names->pid)
        return LEDGER_MAIN_SERIAL;
    const struct ledger_slot *slot = thread_index_find(&names->index, tid);
    if (!slot || is_ambiguous(&names->index, slot) || (slot->state & SLOT_ENDED && is_there(names, tid)))
        return 0;
    return slot->serial;
}

/* Reads names on request, because few are needed. */
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
