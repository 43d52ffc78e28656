#include "ledger/records.h"
#include "proc/own_tids.h"

void ledger_use_tids_here(struct ledger *ledger, pid_t pid)
{
    struct own_tids tids;
    struct ledger_slot *slots = ledger->records[SECTION_SLOTS];
    ledger->tids_of = pid;
    own_tids_read(&tids, pid);
    for (uint32_t i = 0; tids.differ && i < ledger->count[SECTION_SLOTS]; i++) {
        bool ended = slots[i].state & SLOT_ENDED;
        slots[i].tid = ended || slots[i].tid <= 0 ? 0 : own_tids_find(&tids, slots[i].tid);
    }
    own_tids_release(&tids);
}

bool ledger_has_tids_here(const struct ledger *ledger, pid_t pid)
{
    return ledger->tids_of == pid || ledger->header.pid == pid;
}
