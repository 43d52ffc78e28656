/*
 * The shim keeps the argument of a new thread until the thread copies it to its own stack (thread_begin_*).
 * Its memory is no root otherwise, because it has old arguments. A thread often keeps its argument in a
 * register all its life, so it counts where registers are unknown; without our shim libc's descriptor has it.
 */
#include "base/search.h"
#include "common/ledger.h"
#include "reach/caveat.h"
#include "reach/collector.h"

enum { SLOTS = 64 }; /* read at once */

static struct reach_thread *find_thread(const struct reach_image *image, pid_t own_tid)
{
    size_t at = SEARCH_FIRST(i, image->thread_count, image->threads[i].own_tid >= own_tid);
    return at < image->thread_count && image->threads[at].own_tid == own_tid ? &image->threads[at] : NULL;
}

static bool add_argument(struct reach_collector *collector, const struct ledger_slot *slot)
{
    if (!slot->serial || slot->state & SLOT_ENDED)
        return true;
    if (!(slot->state & SLOT_STARTED))
        return reach_bytes_add(&collector->kernel, &slot->arg, sizeof(slot->arg));
    struct reach_thread *thread = find_thread(&collector->image, slot->tid);
    if (thread)
        thread->argument = slot->arg;
    return true;
}

static bool add_arguments(struct reach_collector *collector, const struct ledger_slot *slots, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (!add_argument(collector, &slots[i]))
            return false;
    return true;
}

void reach_births_read(struct reach_collector *collector, const struct snapshot *snapshot)
{
    struct ledger_slot slots[SLOTS];
    for (uint64_t i = 0; collector->slots && i < collector->slot_count; i += SLOTS) {
        uint64_t count = collector->slot_count - i < SLOTS ? collector->slot_count - i : SLOTS;
        if (!snapshot_read_live(snapshot, collector->slots + i * sizeof(*slots), slots,
                                count * sizeof(*slots)) ||
            !add_arguments(collector, slots, count)) {
            collector->image.caveats |= REACH_BIT(UNREAD);
            return;
        }
    }
}
