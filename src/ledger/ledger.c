#include "ledger/records.h"

#include <stdlib.h>
#include <string.h>

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    for (enum ledger_section s = 0; s < SECTIONS; s++)
        free(ledger->records[s]);
    free(ledger);
}

size_t ledger_bytes(const struct ledger *ledger)
{
    return sizeof(*ledger) + ledger->copied;
}

const struct ledger_header *ledger_get_header(const struct ledger *ledger)
{
    return &ledger->header;
}

bool ledger_get_slot(const struct ledger *ledger, uint32_t index, struct ledger_slot *slot)
{
    const struct ledger_slot *slots = ledger->records[SECTION_SLOTS];
    if (index >= ledger->count[SECTION_SLOTS] || slots[index].serial == 0)
        return false;
    memcpy(slot, &slots[index], sizeof(*slot));
    return true;
}

bool ledger_get_past(const struct ledger *ledger, uint32_t index, struct ledger_slot *slot)
{
    const struct ledger_slot *slots = ledger->records[SECTION_SLOTS];
    if (index >= ledger->count[SECTION_SLOTS] || slots[index].serial || !ledger_is_over(slots[index].state))
        return false;
    memcpy(slot, &slots[index], sizeof(*slot));
    slot->serial = slot->arg;
    return slot->serial > LEDGER_MAIN_SERIAL && slot->serial < ledger->header.next_serial;
}

uint32_t ledger_slot_count(const struct ledger *ledger)
{
    return ledger->count[SECTION_SLOTS];
}

const struct ledger_site *ledger_get_site(const struct ledger *ledger, uint32_t index)
{
    const struct ledger_site *sites = ledger->records[SECTION_SITES];
    return index < ledger->count[SECTION_SITES] ? &sites[index] : NULL;
}

uint32_t ledger_site_count(const struct ledger *ledger)
{
    return ledger->count[SECTION_SITES];
}

static struct join_place *place_at(struct join_places *places, ledger_pc pc)
{
    size_t i = 0;
    while (i < places->count && places->items[i].pc != pc)
        i++;
    if (i == MAX_JOIN_PLACES)
        return NULL;
    if (i == places->count)
        places->items[places->count++] = (struct join_place){.pc = pc};
    return &places->items[i];
}

void join_places_add(struct join_places *places, const struct ledger_site *site)
{
    for (uint32_t i = 0; i < LEDGER_JOIN_PLACES; i++) {
        ledger_pc pc = atomic_load(&site->join_pc[i]);
        struct join_place *place = pc ? place_at(places, pc) : NULL;
        if (place)
            place->count += atomic_load(&site->joined_at[i]);
    }
}

const struct join_place *join_places_most(const struct join_places *places)
{
    const struct join_place *most = NULL;
    for (size_t i = 0; i < places->count; i++)
        if (!most || places->items[i].count > most->count)
            most = &places->items[i];
    return most;
}

uint64_t ledger_count_ended(const struct ledger *ledger)
{
    uint64_t ended = 0;
    for (uint32_t i = 0; i < ledger_site_count(ledger); i++) {
        const struct ledger_site *site = ledger_get_site(ledger, i);
        ended += site->ended_joinable + site->ended_detached;
    }
    return ended;
}

const ledger_pc *ledger_get_frames(const struct ledger *ledger, const struct ledger_site *site,
                                   uint32_t *count)
{
    const ledger_pc *frames = ledger->records[SECTION_FRAMES];
    uint32_t used = ledger->count[SECTION_FRAMES];
    uint64_t first = site->frames < used ? site->frames : used;
    *count = site->frame_count < used - first ? site->frame_count : (uint32_t)(used - first);
    return frames + first;
}

const struct ledger_stack *ledger_next_stack(const struct ledger *ledger, uint32_t *at)
{
    const uint32_t head = sizeof(struct ledger_stack) / sizeof(uint64_t);
    const uint64_t *words = ledger->records[SECTION_STACKS];
    uint32_t used = ledger->count[SECTION_STACKS];
    while (*at < used && used - *at >= head) {
        const struct ledger_stack *current = (const struct ledger_stack *)(words + *at);
        *at += LEDGER_STACK_GRAIN;
        uint32_t max_frames = used - (*at - LEDGER_STACK_GRAIN) - head;
        if (!current->stamp || current->frame_count == 0 || current->frame_count > max_frames ||
            current->frame_count > LEDGER_STACK_DEPTH_MAX ||
            ledger_stack_hash(current, current->stamp) != current->hash)
            continue;
        uint32_t size = head + current->frame_count;
        *at += (size - 1) / LEDGER_STACK_GRAIN * LEDGER_STACK_GRAIN;
        return current;
    }
    return NULL;
}

const struct ledger_test *ledger_get_test(const struct ledger *ledger, uint32_t number)
{
    const struct ledger_test *tests = ledger->records[SECTION_TESTS];
    uint32_t index = ledger_test_index(number);
    if (!number || index >= ledger->count[SECTION_TESTS])
        return NULL;
    const struct ledger_test *test = &tests[index];
    bool whole = test->number == number && test->hash == ledger_test_hash(test, number) &&
                 memchr(test->name, 0, sizeof(test->name));
    return whole && *test->name ? test : NULL;
}

const struct ledger_module *ledger_get_module(const struct ledger *ledger, uint32_t index)
{
    const struct ledger_module *modules = ledger->records[SECTION_MODULES];
    return index < ledger->count[SECTION_MODULES] && index != LEDGER_NO_MODULE ? &modules[index] : NULL;
}

const char *ledger_get_string(const struct ledger *ledger, uint32_t offset)
{
    const char *strings = ledger->records[SECTION_STRINGS];
    return offset && offset < ledger->count[SECTION_STRINGS] ? strings + offset : "";
}

const char *ledger_options_text(const struct ledger *ledger, enum ledger_options part)
{
    uint32_t at = atomic_load(&ledger_get_header(ledger)->options);
    if (!at)
        return "";
    for (int before = 0; before < (int)part; before++)
        at += (uint32_t)strlen(ledger_get_string(ledger, at)) + 1;
    return ledger_get_string(ledger, at);
}

void ledger_options_read(const struct ledger *ledger, struct options *options)
{
    options_defaults(options);
    for (int part = 0; part < LEDGER_OPTIONS; part++)
        options_parse(options, ledger_options_text(ledger, (enum ledger_options)part), NULL, NULL);
}
