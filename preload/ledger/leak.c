#include "preload/ledger/leak.h"

#include "preload/ledger/descriptor.h"
#include "preload/ledger/test.h"

unsigned leak_kind(const struct shim_state *state, const struct ledger_slot *slot,
                   const struct leak_scope *scope)
{
    uint64_t serial = atomic_load(&slot->serial);
    uint32_t bits = atomic_load(&slot->state);
    if (serial <= scope->since || serial == scope->except ||
        serial == atomic_load(&state->header->end_serial) || bits & (SLOT_IGNORED | SLOT_EXITING))
        return 0;
    if (scope->no_older_test && test_began_before(state, slot->test, scope->since))
        return 0;
    return ledger_slot_kind(bits) & scope->kinds;
}

uint32_t leak_count(const struct shim_state *state, const struct leak_scope *scope)
{
    uint32_t used = ledger_used(state->header, SECTION_SLOTS), count = 0;
    const struct leak_scope any = {.kinds = KIND_ALL,
                                   .since = scope->since,
                                   .except = scope->except,
                                   .no_older_test = scope->no_older_test};
    for (uint32_t i = 0; i < used; i++) {
        if (leak_kind(state, &state->slots[i], &any))
            descriptor_check(state, &state->slots[i]);
        count += leak_kind(state, &state->slots[i], scope) != 0;
    }
    return count;
}
