#include "preload/api/checkpoint.h"

#include "preload/start/start.h"

/* A serial, and a stamp of the process: the checkpoint of a parent is not valid in a child. */
#define SERIAL_BITS 40
#define SERIAL_MASK ((1ull << SERIAL_BITS) - 1)

static uint64_t stamp_of(const struct shim_state *state)
{
    uint64_t mixed = (state->epoch ^ (uint64_t)state->pid << 32) * 0x9e3779b97f4a7c15ull;
    return (mixed >> SERIAL_BITS | 1) << SERIAL_BITS;
}

static uint64_t latest_serial(const struct shim_state *state)
{
    return atomic_load(&state->header->next_serial) - 1;
}

uint64_t api_checkpoint(void)
{
    const struct shim_state *state = shim_ready();
    return state && shim_is_own_process(state) ? stamp_of(state) | (latest_serial(state) & SERIAL_MASK) : 0;
}

uint64_t api_serial_of(const struct shim_state *state, uint64_t checkpoint)
{
    uint64_t serial = checkpoint & SERIAL_MASK;
    bool own = (checkpoint & ~SERIAL_MASK) == stamp_of(state) && serial <= latest_serial(state);
    return own ? serial : UINT64_MAX;
}
