#include "ledger/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    for (enum section s = 0; s < SECTIONS; s++)
        free(ledger->records[s]);
    free(ledger);
}

const struct ledger_header *ledger_get_header(const struct ledger *ledger)
{
    return &ledger->header;
}

bool ledger_get_slot(const struct ledger *ledger, uint32_t index, struct ledger_slot *slot)
{
    const struct ledger_slot *slots = ledger->records[SLOTS];
    if (index >= ledger->count[SLOTS] || slots[index].serial == 0)
        return false;
    memcpy(slot, &slots[index], sizeof(*slot));
    return true;
}

uint32_t ledger_slot_count(const struct ledger *ledger)
{
    return ledger->count[SLOTS];
}

const struct ledger_site *ledger_get_site(const struct ledger *ledger, uint32_t index)
{
    const struct ledger_site *sites = ledger->records[SITES];
    return index < ledger->count[SITES] ? &sites[index] : NULL;
}

uint32_t ledger_site_count(const struct ledger *ledger)
{
    return ledger->count[SITES];
}

const ledger_pc *ledger_get_frames(const struct ledger *ledger, const struct ledger_site *site,
                                   uint32_t *count)
{
    const ledger_pc *frames = ledger->records[FRAMES];
    uint32_t used = ledger->count[FRAMES];
    uint64_t first = site->frames < used ? site->frames : used;
    *count = site->frame_count < used - first ? site->frame_count : (uint32_t)(used - first);
    return frames + first;
}

const struct ledger_present *ledger_next_present(const struct ledger *ledger, uint32_t *at)
{
    const uint32_t head = sizeof(struct ledger_present) / sizeof(uint64_t);
    const uint64_t *words = ledger->records[PRESENT];
    uint32_t used = ledger->count[PRESENT];
    while (*at < used && used - *at >= head) {
        const struct ledger_present *current = (const struct ledger_present *)(words + *at);
        *at += LEDGER_PRESENT_GRAIN;
        uint32_t room = used - (*at - LEDGER_PRESENT_GRAIN) - head;
        if (!current->stamp || current->frame_count == 0 || current->frame_count > room ||
            current->frame_count > LEDGER_PRESENT_DEPTH_MAX ||
            ledger_present_hash(current, current->stamp) != current->hash)
            continue;
        uint32_t size = head + current->frame_count;
        *at += (size - 1) / LEDGER_PRESENT_GRAIN * LEDGER_PRESENT_GRAIN;
        return current;
    }
    return NULL;
}

const struct ledger_module *ledger_get_module(const struct ledger *ledger, uint32_t index)
{
    const struct ledger_module *modules = ledger->records[MODULES];
    return index < ledger->count[MODULES] && index != LEDGER_NO_MODULE ? &modules[index] : NULL;
}

const char *ledger_get_string(const struct ledger *ledger, uint32_t offset)
{
    const char *strings = ledger->records[STRINGS];
    return offset && offset < ledger->count[STRINGS] ? strings + offset : "";
}
