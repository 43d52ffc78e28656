#include "preload/start/start.h"

#include <pthread.h>

#include "preload/backtrace/capture.h"
#include "preload/backtrace/signal_capture.h"
#include "preload/exit/dispositions.h"
#include "preload/exit/dump.h"
#include "preload/exit/end.h"
#include "preload/ledger/fork.h"
#include "preload/ledger/section.h"
#include "preload/ledger/thread_key.h"
#include "preload/ledger/thread_life.h"
#include "preload/options/registered.h"
#include "preload/options/settings.h"
#include "preload/shim/hook.h"
#include "preload/shim/real.h"
#include "preload/shim/say.h"
#include "preload/start/first_copy.h"

/* ---- forks ----------------------------------------------------------------------- */

static void before_fork(void)
{
    struct hook hook;
    hook_enter(&hook, shim_known);
    if (hook.state && !(atomic_load(&hook.state->header->flags) & LEDGER_FORKS) &&
        shim_is_own_process(hook.state))
        atomic_fetch_or(&hook.state->header->flags, LEDGER_FORKS);
    hook_leave(&hook);
    capture_before_fork();
}

/*
 * A signal handler can fork while this thread is in a hook. Then the hook continues in the child with the
 * state and ledger that it knows. Both stay mapped, but the ledger has been replaced by private memory, so
 * that nothing reaches the parent. A thread that is not in a hook yet, but in the trampoline, needs its
 * birth.
 */
static void leave_parent(struct shim_state *parent)
{
    bool under_way = shim_tls.under_way || !shim_tls.begun;
    ledger_leave(under_way);
    state_leave(parent, under_way);
    shim_tls.slot = NULL;
    shim_tls.serial = 0;
    shim_tls.epoch = 0;
}

void shim_attach_child(void)
{
    struct shim_state *parent = shim_state;
    bool had_ledger = parent->header != NULL;
    dump_in_child();
    dispositions_in_child(false);
    capture_in_child();
    fork_remember(parent);
    leave_parent(parent);
    shim_tls.begun = true; /* it is the main thread now */
    if (had_ledger)
        shim_attach();
}

/* ---- once per program ------------------------------------------------------------- */

static void start_once(void)
{
    struct guard guard = guard_enter();
    shim_is_child();
    real_resolve();
    if (!is_first_copy()) {
        state_never();
        guard_leave(guard);
        return;
    }
    shim_remember_stderr();
    settings_find();
    thread_begin_start();
    settings_exported();
    capture_start();
    signal_capture_start();
    pthread_atfork(before_fork, NULL, shim_attach_child);
    end_start();
    guard_leave(guard);
}

/* ---- once per process ------------------------------------------------------------- */

static bool begin_process(struct shim_state *state)
{
    static _Atomic bool has_taken_key;
    if (!atomic_exchange(&has_taken_key, true))
        thread_key_take();
    if (!ledger_map(state))
        return false;
    registered_to_ledger(state);
    return true;
}

/* before: wiped, if this is the child of a fork without handlers. */
static void attach(struct shim_state *before)
{
    if (!state_make(before, !shim_config.sandboxed && !shim_config.is_second && shim_is_wanted()))
        return;
    if (before->header)
        leave_parent(before);
    bool mapped = begin_process(shim_state);
    atomic_store_explicit(&shim_state->ready, mapped ? SHIM_READY : SHIM_FAILED, memory_order_release);
}

struct shim_state *shim_attach(void)
{
    enum { NOT_YET, RUNS, DONE };
    static _Atomic uint32_t start;
    uint32_t not_yet = NOT_YET;
    if (atomic_compare_exchange_strong(&start, &not_yet, RUNS)) {
        start_once();
        atomic_store(&start, DONE);
    }
    struct shim_state *state = shim_state;
    /* If start_once is running, it does in another thread or below in this stack. */
    if (atomic_load(&start) == DONE && atomic_load(&state->ready) == SHIM_NEW) {
        struct guard guard = guard_enter();
        attach(state);
        guard_leave(guard);
    }
    return shim_known();
}

__attribute__((constructor)) static void construct(void)
{
    shim_tls.begun = true;
    shim_attach();
}
