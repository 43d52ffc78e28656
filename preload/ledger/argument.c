#include "preload/ledger/argument.h"

#include "preload/shim/guard.h"
#include "preload/shim/readable.h"

#define RELAXED memory_order_relaxed
#define NEAR 65536 /* a variable of a caller is rarely further above */

static bool is_of_caller(uint64_t argument)
{
    uint64_t here = (uint64_t)__builtin_frame_address(0);
    /* The variable may be uninitialised, of which valgrind would warn. */
    if (argument < here || argument - here >= NEAR || shim_config.no_reporter)
        return false;
    return argument / 4096 == here / 4096 ||
           (!shim_config.sandboxed && memory_is_readable((const void *)argument));
}

static char value_of(const struct passed *passed)
{
    return *(const volatile char *)passed->argument;
}

static bool has_begun(const struct passed *passed)
{
    return atomic_load_explicit(&passed->slot->serial, RELAXED) != passed->serial ||
           atomic_load_explicit(&passed->slot->state, RELAXED) & SLOT_STARTED;
}

struct passed argument_passed(const struct shim_state *state, uint64_t argument)
{
    const struct passed *last = &shim_tls.passed;
    struct passed passed = {.epoch = state->epoch};
    if (!is_of_caller(argument))
        return passed;
    passed.argument = argument;
    passed.value = value_of(&passed);
    if (last->epoch != state->epoch || last->argument != argument)
        return passed;
    passed.by_others = last->by_others;
    passed.changed = !last->by_others && passed.value != last->value && !has_begun(last);
    return passed;
}

void argument_slot(struct passed *passed, const struct ledger_slot *slot)
{
    passed->slot = slot;
    if (slot)
        passed->serial = atomic_load_explicit(&slot->serial, RELAXED);
    else
        passed->argument = 0;
}

void argument_created(const struct passed *passed)
{
    shim_tls.passed = *passed;
    if (passed->argument && value_of(passed) != passed->value)
        shim_tls.passed.by_others = true;
}
