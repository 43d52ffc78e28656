#include "preload/start/start.h"

#include <pthread.h>

#include "preload/backtrace/capture.h"
#include "preload/backtrace/signal_capture.h"
#include "preload/exit/dispositions.h"
#include "preload/exit/dump.h"
#include "preload/exit/end.h"
#include "preload/ledger/section.h"
#include "preload/ledger/thread_life.h"
#include "preload/options/registered.h"
#include "preload/options/settings.h"
#include "preload/shim/guard.h"
#include "preload/shim/real.h"
#include "preload/shim/say.h"
#include "preload/start/first_copy.h"

/* ---- forks ----------------------------------------------------------------------- */

static void before_fork(void)
{
    struct shim_state *state = shim_known();
    if (state && !(atomic_load(&state->header->flags) & LEDGER_FORKS) && shim_is_own_process(state))
        atomic_fetch_or(&state->header->flags, LEDGER_FORKS);
    capture_before_fork();
}

static void in_forked_child(void)
{
    state_in_child();
    shim_attach_child();
}

void shim_attach_child(void)
{
    dump_in_child();
    dispositions_in_child(false);
    capture_in_child();
    shim_attach();
}

/* ---- once per program ------------------------------------------------------------- */

static void start_once(void)
{
    static _Atomic uint32_t started;
    if (atomic_exchange(&started, 1))
        return;
    struct guard guard = guard_enter();
    real_resolve();
    if (!is_first_copy()) {
        state_never();
        guard_leave(guard);
        return;
    }
    shim_remember_stderr();
    settings_find();
    thread_begin_start();
    thread_end_start();
    state_start();
    settings_exported();
    capture_start();
    signal_capture_start();
    pthread_atfork(before_fork, NULL, in_forked_child);
    end_start();
    guard_leave(guard);
}

/* ---- once per process ------------------------------------------------------------- */

static bool begin_process(struct shim_state *state)
{
    state_begin(state);
    if (!ledger_map(state))
        return false;
    registered_to_ledger(state);
    return true;
}

struct shim_state *shim_attach(void)
{
    if (!shim_state)
        start_once();
    struct shim_state *state = shim_state;
    uint32_t expected = SHIM_NEW;
    if (!state) /* start_once is running, in another thread or below in this stack */
        return NULL;
    if (atomic_compare_exchange_strong(&state->ready, &expected, SHIM_BUSY)) {
        struct guard guard = guard_enter();
        bool mapped = !shim_config.sandboxed && shim_is_wanted() && begin_process(state);
        shim_tls.slot = NULL;
        shim_tls.serial = 0;
        shim_tls.epoch = 0; /* the next hook repeats the test */
        atomic_store_explicit(&state->ready, mapped ? SHIM_READY : SHIM_FAILED, memory_order_release);
        guard_leave(guard);
    }
    return shim_known();
}

__attribute__((constructor)) static void construct(void)
{
    start_once();
    shim_attach();
}
