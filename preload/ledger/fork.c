#include "preload/ledger/fork.h"

#include <string.h>

#include "preload/ledger/module.h"
#include "preload/shim/guard.h"
#include "preload/shim/sys.h"

/* A child inherits it from its parent, so it is valid only for the process `pid`. */
static struct {
    pid_t pid;
    void *caller;
    struct ledger_fork fork;
} latest;

/* The tid of this thread is already that of the child. */
static uint64_t serial_in(const struct shim_state *parent)
{
    if (shim_tls.epoch == parent->epoch)
        return shim_tls.serial;
    return shim_tls.begun && !shim_tls.slot ? LEDGER_MAIN_SERIAL : 0;
}

static void add_missing(struct ledger_fork *fork, uint64_t serial)
{
    if (fork->missing_count < LEDGER_MISSING_MAX)
        fork->missing[fork->missing_count] = serial;
    fork->missing_count++;
}

void fork_begin(const struct shim_state *state)
{
    shim_tls.fork_serial = atomic_load(&state->header->next_serial);
}

/* The parent continues meanwhile, so a thread that has ended since the fork may be left out. */
static void find_missing(const struct shim_state *parent, struct ledger_fork *fork)
{
    uint32_t used = ledger_used(parent->header, SECTION_SLOTS);
    if (fork->by != LEDGER_MAIN_SERIAL)
        add_missing(fork, LEDGER_MAIN_SERIAL);
    for (uint32_t i = 0; i < used; i++) {
        const struct ledger_slot *slot = &parent->slots[i];
        uint64_t serial = atomic_load(&slot->serial);
        uint32_t bits = atomic_load(&slot->state);
        if (serial && serial < shim_tls.fork_serial && serial != fork->by && bits & SLOT_STARTED &&
            !(bits & (SLOT_ENDED | SLOT_JOINED)))
            add_missing(fork, serial);
    }
}

void fork_remember(const struct shim_state *parent)
{
    memset(&latest, 0, sizeof(latest));
    if (shim_config.sandboxed) /* it gets no ledger */
        return;
    latest.pid = (pid_t)SYS0(getpid);
    latest.caller = shim_tls.fork_caller;
    latest.fork.pid = (int32_t)shim_pid_before_fork();
    latest.fork.ns = shim_clock_ns(CLOCK_MONOTONIC);
    latest.fork.by = serial_in(parent);
    if (!parent->header)
        return;
    latest.fork.epoch = parent->header->epoch;
    find_missing(parent, &latest.fork);
}

void fork_store(struct shim_state *state)
{
    if (latest.pid != state->pid)
        return;
    state->header->fork = latest.fork;
    if (latest.caller)
        state->header->fork.pc = module_encode(state, (uint64_t)latest.caller);
}
