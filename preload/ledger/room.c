/* See guard.h for the rules of code in preload/. */
#include "preload/ledger/room.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/shim/sys.h"

const uint32_t section_record_size[SECTIONS] = {
    sizeof(struct ledger_slot),
    sizeof(struct ledger_site),
    sizeof(struct ledger_module),
    sizeof(ledger_pc),
    1,
    sizeof(uint64_t),
};

static _Atomic uint32_t *used_mark(struct ledger_header *header, enum section section)
{
    return &header->slots_used + section; /* they stand in the order of enum section */
}

static uint32_t section_cap(const struct ledger_header *header, enum section section)
{
    return (&header->slots_cap)[section];
}

static char *section_base(struct shim_state *state, enum section section)
{
    return (char *)state->header + (&state->header->slots_off)[section];
}

/* Asks the kernel for memory behind the records up to `end`, some 16 KiB ahead. */
static bool back_records(struct shim_state *state, enum section section, uint32_t end)
{
    uint32_t backed = atomic_load_explicit(&state->backed[section], memory_order_relaxed);
    if (end <= backed)
        return true;
    uint64_t chunk = section == SECTION_SLOTS || section == SECTION_PRESENT ? 16384 : 4096;
    uint64_t from = (uint64_t)backed * section_record_size[section] / 4096 * 4096;
    uint64_t to = ((uint64_t)end * section_record_size[section] + chunk - 1) / chunk * chunk;
    if (shim_config.sandboxed)
        return true;
    uint64_t limit = (uint64_t)section_cap(state->header, section) * section_record_size[section];
    if (to > limit)
        to = limit;
    long result = SYS3(madvise, section_base(state, section) + from, to - from, MADV_POPULATE_WRITE);
    if (result != 0 && result != -EINVAL)
        return false;
    uint32_t now = (uint32_t)(to / section_record_size[section]);
    while (backed < now && !atomic_compare_exchange_weak(&state->backed[section], &backed, now))
        ;
    return true;
}

uint32_t ledger_used(const struct shim_state *state, enum section section)
{
    if (section == SECTION_PRESENT)
        return (uint32_t)atomic_load(&state->header->present_mark);
    return atomic_load(used_mark(state->header, section));
}

uint32_t ledger_take(struct shim_state *state, enum section section, uint32_t count)
{
    _Atomic uint32_t *mark = used_mark(state->header, section);
    uint32_t cap = section_cap(state->header, section);
    uint32_t first = atomic_load_explicit(mark, memory_order_relaxed);
    do {
        if (count > cap || first > cap - count || !back_records(state, section, first + count))
            return UINT32_MAX;
    } while (!atomic_compare_exchange_weak(mark, &first, first + count));
    return first;
}

uint32_t ledger_take_present(struct shim_state *state, uint32_t generation, uint32_t words)
{
    _Atomic uint64_t *mark = &state->header->present_mark;
    uint32_t cap = state->header->present_cap;
    uint64_t seen = atomic_load(mark);
    uint32_t first;
    do {
        if ((int32_t)(generation - (uint32_t)(seen >> 32)) < 0)
            return UINT32_MAX;
        first = (uint32_t)(seen >> 32) == generation ? (uint32_t)seen : 0;
        if (words > cap || first > cap - words || !back_records(state, SECTION_PRESENT, first + words))
            return UINT32_MAX;
    } while (!atomic_compare_exchange_weak(mark, &seen, (uint64_t)generation << 32 | (first + words)));
    return first;
}

uint32_t ledger_store_string(struct shim_state *state, const char *string, uint32_t n)
{
    uint32_t at = ledger_take(state, SECTION_STRINGS, n + 1);
    if (at == UINT32_MAX)
        return 0;
    memcpy(state->strings + at, string, n);
    state->strings[at + n] = 0;
    return at;
}
