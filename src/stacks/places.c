/* Frames at the code addresses of a ledger. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "stacks/stacks.h"

struct adding {
    struct stacks *stacks;
    const struct ledger *ledger;
    struct symbolizer *symbolizer;
};

static bool add(const struct adding *adding, ledger_pc pc, bool is_return_address)
{
    struct stacks *stacks = adding->stacks;
    if (!pc)
        return true;
    if (!ARRAY_GROW(stacks->places, stacks->place_count))
        return false;
    struct ledger_place *place = &stacks->places[stacks->place_count++];
    *place = (struct ledger_place){.pc = pc, .is_return_address = is_return_address};
    return frames_append(&place->frames, &place->count,
                         stack_frames(adding->ledger, adding->symbolizer, pc, is_return_address));
}

static int by_pc(const void *left, const void *right)
{
    const ledger_pc *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Each once: sites have most callers in common. */
static bool add_return_addresses(const struct adding *adding, ledger_pc *pcs, size_t count)
{
    if (count)
        qsort(pcs, count, sizeof(*pcs), by_pc);
    for (size_t i = 0; i < count; i++)
        if ((i == 0 || pcs[i] != pcs[i - 1]) && !add(adding, pcs[i], true))
            return false;
    return true;
}

static bool keep(ledger_pc **pcs, size_t *count, ledger_pc pc)
{
    if (!ARRAY_GROW(*pcs, *count))
        return false;
    (*pcs)[(*count)++] = pc;
    return true;
}

static bool keep_site(const struct ledger *ledger, const struct ledger_site *site, ledger_pc **pcs,
                      size_t *count)
{
    uint32_t frames;
    const ledger_pc *found = ledger_get_frames(ledger, site, &frames);
    for (uint32_t i = 0; i < frames; i++)
        if (!keep(pcs, count, found[i]))
            return false;
    for (uint32_t i = 0; i < LEDGER_JOIN_PLACES; i++)
        if (!keep(pcs, count, atomic_load(&site->join_pc[i])))
            return false;
    return keep(pcs, count, atomic_load(&site->detach_pc));
}

static bool add_slots(const struct adding *adding)
{
    struct ledger_slot slot;
    for (uint32_t i = 0; i < ledger_slot_count(adding->ledger); i++)
        if (ledger_get_slot(adding->ledger, i, &slot) &&
            ((slot.start_pc && !add(adding, slot.start_pc, false)) ||
             (slot.fault_pc && !add(adding, slot.fault_pc, false))))
            return false;
    return true;
}

bool stacks_add_places(struct stacks *stacks, const struct ledger *ledger, struct symbolizer *symbolizer)
{
    const struct adding adding = {stacks, ledger, symbolizer};
    ledger_pc *pcs = NULL;
    size_t count = 0;
    const struct ledger_header *header = ledger_get_header(ledger);
    bool done = keep(&pcs, &count, header->fork.pc) && keep(&pcs, &count, header->unloaded_at);
    const struct ledger_module *module;
    for (uint32_t i = 0; done && (module = ledger_get_module(ledger, i)); i++)
        done = keep(&pcs, &count, module->unloaded_at);
    for (uint32_t i = 0; done && i < LEDGER_MISUSES; i++)
        done = keep(&pcs, &count, header->misuses[i].at);
    for (uint32_t i = 0; done && i < ledger_site_count(ledger); i++) {
        const struct ledger_site *site = ledger_get_site(ledger, i);
        done = keep_site(ledger, site, &pcs, &count) && add(&adding, site->start_pc, false);
    }
    done = done && add_return_addresses(&adding, pcs, count) && add_slots(&adding) &&
           (!header->fault.pc || add(&adding, header->fault.pc, false));
    free(pcs);
    return done;
}

bool stacks_use_places(const struct stacks *stacks, const struct ledger *ledger,
                       struct symbolizer *symbolizer)
{
    for (size_t i = 0; i < stacks->place_count; i++) {
        const struct ledger_place *place = &stacks->places[i];
        const struct code_address address = stack_address(ledger, place->pc, place->is_return_address);
        if (address.module && !symbolizer_add_frames(symbolizer, &address, place->frames, place->count))
            return false;
    }
    return true;
}

void stacks_free_places(struct stacks *stacks)
{
    for (size_t i = 0; i < stacks->place_count; i++)
        free(stacks->places[i].frames);
    free(stacks->places);
}
