#include "preload/ledger/section.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/shim/sys.h"

/* Requests memory for the records up to `end`, and for some more. */
static bool back_records(struct shim_state *state, enum ledger_section section, uint32_t end)
{
    uint32_t backed = atomic_load_explicit(&state->backed[section], memory_order_relaxed);
    if (end <= backed)
        return true;
    const struct ledger_extent *extent = &state->header->sections[section];
    bool large = backed && (section == SECTION_SLOTS || section == SECTION_STACKS);
    uint64_t chunk = large ? 16384 : 4096;
    uint64_t from = (uint64_t)backed * extent->record_size / 4096 * 4096;
    uint64_t to = ((uint64_t)end * extent->record_size + chunk - 1) / chunk * chunk;
    /* The call could end the program. Without memory, the file of a run could cause SIGBUS. */
    if (shim_config.sandboxed)
        return !(atomic_load(&state->header->flags) & LEDGER_UNDER_RUN);
    uint64_t limit = (uint64_t)extent->cap * extent->record_size;
    if (to > limit)
        to = limit;
    long result =
        SYS3(madvise, (char *)state->header + extent->offset + from, to - from, MADV_POPULATE_WRITE);
    if (result != 0 && result != -EINVAL) {
        atomic_fetch_or(&state->header->flags, LEDGER_NO_ROOM);
        return false;
    }
    uint32_t now = (uint32_t)(to / ledger_record_size(section)); /* the header can be zero: ledger_leave */
    while (backed < now && !atomic_compare_exchange_weak(&state->backed[section], &backed, now))
        ;
    return true;
}

/* Records that a program may still need: it can register 28 KiB of strings, and load modules. */
static const uint32_t margins[SECTIONS] = {
    [SECTION_SLOTS] = 2048,    [SECTION_SITES] = 256,    [SECTION_MODULES] = 64, [SECTION_FRAMES] = 4096,
    [SECTION_STRINGS] = 49152, [SECTION_STACKS] = 16384, [SECTION_TESTS] = 64,
};

uint32_t ledger_with_margin(const struct shim_state *state, enum ledger_section section)
{
    uint32_t wanted = ledger_used(state->header, section) + margins[section];
    uint32_t cap = state->header->sections[section].cap;
    return wanted < cap ? wanted : cap;
}

void ledger_before_sandbox(struct shim_state *state)
{
    if (atomic_load(&state->header->flags) & LEDGER_UNDER_RUN)
        for (enum ledger_section s = 0; s < SECTIONS; s++)
            back_records(state, s, ledger_with_margin(state, s));
}

/* Do `count` records fit from `first` on, and does the kernel have memory for them? */
static bool has_memory(struct shim_state *state, enum ledger_section section, uint32_t first, uint32_t count)
{
    uint32_t cap = state->header->sections[section].cap;
    return count <= cap && first <= cap - count && back_records(state, section, first + count);
}

uint32_t ledger_take(struct shim_state *state, enum ledger_section section, uint32_t count)
{
    _Atomic uint64_t *used = &state->header->sections[section].used;
    uint64_t first = atomic_load_explicit(used, memory_order_relaxed);
    do {
        if (!has_memory(state, section, (uint32_t)first, count))
            return UINT32_MAX;
    } while (!atomic_compare_exchange_weak(used, &first, first + count));
    return (uint32_t)first;
}

uint32_t ledger_take_stack(struct shim_state *state, uint32_t generation, uint32_t words)
{
    _Atomic uint64_t *used = &state->header->sections[SECTION_STACKS].used;
    uint64_t seen = atomic_load(used);
    uint32_t first;
    do {
        if ((int32_t)(generation - (uint32_t)(seen >> 32)) < 0)
            return UINT32_MAX;
        first = (uint32_t)(seen >> 32) == generation ? (uint32_t)seen : 0;
        if (!has_memory(state, SECTION_STACKS, first, words))
            return UINT32_MAX;
    } while (!atomic_compare_exchange_weak(used, &seen, (uint64_t)generation << 32 | (first + words)));
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
