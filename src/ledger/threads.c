#include <stdlib.h>

#include "base/search.h"
#include "ledger/ledger.h"

static int compare_slots(const void *left, const void *right)
{
    const struct ledger_slot *a = left, *b = right;
    bool a_ended = a->state & SLOT_ENDED, b_ended = b->state & SLOT_ENDED;
    if (a->tid != b->tid)
        return a->tid < b->tid ? -1 : 1;
    if (a_ended != b_ended)
        return a_ended - b_ended;
    return (a->serial > b->serial) - (a->serial < b->serial);
}

static int compare_handles(const void *left, const void *right)
{
    const struct ledger_slot *a = *(const struct ledger_slot *const *)left;
    const struct ledger_slot *b = *(const struct ledger_slot *const *)right;
    if (a->handle != b->handle)
        return a->handle < b->handle ? -1 : 1;
    return (a->serial > b->serial) - (a->serial < b->serial);
}

/* A handle is issued again only after the thread that had it was joined or detached. So of the threads with
 * one handle only the latest still has it. */
static void release_older(const struct thread_index *index)
{
    for (size_t i = 0; i + 1 < index->count; i++) {
        const struct ledger_slot *slot = index->by_handle[i];
        if (slot->handle && slot->handle == index->by_handle[i + 1]->handle)
            index->slots[slot - index->slots].state |= SLOT_RELEASED | SLOT_ENDED;
    }
}

bool thread_index_read(struct thread_index *index, const struct ledger *ledger)
{
    uint32_t slots = ledger ? ledger_slot_count(ledger) : 0;
    *index = (struct thread_index){.slots = calloc((size_t)slots + 1, sizeof(*index->slots)),
                                   .by_handle = calloc((size_t)slots + 1, sizeof(*index->by_handle))};
    if (!index->slots || !index->by_handle) {
        thread_index_release(index);
        return false;
    }
    for (uint32_t i = 0; i < slots; i++)
        index->count += ledger_get_slot(ledger, i, &index->slots[index->count]);
    qsort(index->slots, index->count, sizeof(*index->slots), compare_slots);
    for (size_t i = 0; i < index->count; i++)
        index->by_handle[i] = &index->slots[i];
    qsort(index->by_handle, index->count, sizeof(*index->by_handle), compare_handles);
    release_older(index);
    return true;
}

void thread_index_release(struct thread_index *index)
{
    free(index->slots);
    free(index->by_handle);
    *index = (struct thread_index){.slots = NULL};
}

const struct ledger_slot *thread_index_find(const struct thread_index *index, pid_t tid)
{
    size_t at = SEARCH_FIRST(i, index->count, index->slots[i].tid >= tid);
    return tid > 0 && at < index->count && index->slots[at].tid == tid ? &index->slots[at] : NULL;
}

const struct ledger_slot *thread_index_find_handle(const struct thread_index *index, uint64_t handle)
{
    size_t at = SEARCH_FIRST(i, index->count, index->by_handle[i]->handle >= handle);
    bool found = handle && at < index->count && index->by_handle[at]->handle == handle;
    return found ? index->by_handle[at] : NULL;
}

size_t thread_index_not_begun(const struct thread_index *index, uint64_t *oldest_ns)
{
    size_t count = 0;
    *oldest_ns = 0;
    for (size_t i = 0; i < index->count && index->slots[i].tid <= 0; i++) {
        const struct ledger_slot *slot = &index->slots[i];
        if (slot->tid || slot->state & (SLOT_STARTED | SLOT_ENDED))
            continue;
        count++;
        if (!*oldest_ns || slot->created_ns < *oldest_ns)
            *oldest_ns = slot->created_ns;
    }
    return count;
}
