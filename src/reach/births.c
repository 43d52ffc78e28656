/*
 * The shim keeps the argument of a new thread until the thread copies it to its own stack (thread_begin_*).
 * Its memory is no root otherwise, because it has old arguments.
 */
#include "common/ledger.h"
#include "reach/caveat.h"
#include "reach/collector.h"

enum { SLOTS = 64 }; /* read at once */

static bool add_arguments(struct reach_collector *collector, const struct ledger_slot *slots, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (slots[i].serial && !(slots[i].state & (SLOT_STARTED | SLOT_ENDED)) &&
            !reach_bytes_add(&collector->kernel, &slots[i].arg, sizeof(slots[i].arg)))
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
