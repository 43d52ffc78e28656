#include "preload/ledger/argument.h"

#include "preload/shim/guard.h"
#include "preload/shim/readable.h"

#define RELAXED memory_order_relaxed
#define NEAR 65536 /* a variable of a caller is rarely further above */

static bool is_of_caller(uint64_t argument)
{
    uint64_t here = (uint64_t)__builtin_frame_address(0);
    /* The variable may be uninitialised, of which valgrind would warn. */
    return argument >= here && argument - here < NEAR && !shim_config.no_reporter;
}

/* The page of a frame of ours is mapped. What is farther up may be no stack, and another thread may unmap it.
 */
static bool read_value(uint64_t argument, char *value)
{
    if (argument / 4096 != (uint64_t)__builtin_frame_address(0) / 4096)
        return !shim_config.sandboxed && memory_copy(value, (const void *)argument, sizeof(*value));
    *value = *(const volatile char *)argument;
    return true;
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
    if (!is_of_caller(argument) || !read_value(argument, &passed.value))
        return passed;
    passed.argument = argument;
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
    char value = 0;
    shim_tls.passed = *passed;
    if (passed->argument && (!read_value(passed->argument, &value) || value != passed->value))
        shim_tls.passed.by_others = true;
}
