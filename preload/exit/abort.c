#include "preload/exit/abort.h"

#include "preload/exit/end.h"
#include "preload/exit/reporter.h"
#include "preload/ledger/leak.h"
#include "preload/ledger/module.h"
#include "preload/ledger/thread.h"
#include "preload/shim/hold.h"
#include "preload/shim/hook.h"
#include "preload/shim/on_stack.h"

struct aborting {
    struct shim_state *state;
    enum ledger_abort_call call;
    void *caller;
};

static void record(const struct aborting *aborting)
{
    struct ledger_abort *record = &aborting->state->header->abort;
    aborting->state->abort_caller = (uintptr_t)aborting->caller;
    record->call = aborting->call;
    record->at = module_encode(aborting->state, (uint64_t)aborting->caller);
    record->by = thread_own_serial(aborting->state);
    record->ns = shim_clock_ns(CLOCK_MONOTONIC);
    atomic_store(&record->ongoing, 1);
    atomic_store_explicit(&record->tid, shim_own_tid(), memory_order_release);
}

static void report(const struct aborting *aborting)
{
    record(aborting);
    if (atomic_load(&aborting->state->header->flags) & LEDGER_UNDER_RUN)
        end_save(aborting->state);
    else
        reporter_explain("dump", KIND_ALL);
    atomic_store(&aborting->state->header->abort.ongoing, 0);
}

/* Another thread that aborts meanwhile waits, since it would end the process before the report is complete.
 */
static void report_once(void *arg)
{
    const struct aborting *aborting = arg;
    struct shim_state *state = aborting->state;
    if (shim_config.sandboxed && atomic_load(&state->aborting))
        return; /* it can be a handler, which the sandbox does not let us block */
    struct hold hold = hold_begin(&state->aborting);
    if (!atomic_load(&state->header->abort.tid) && leak_count(state, &(struct leak_scope){.kinds = KIND_ALL}))
        report(aborting);
    hold_end(&hold);
}

void abort_report(enum ledger_abort_call call, void *caller)
{
    IN_HOOK(shim_own);
    struct aborting aborting = {hook.state, call, __builtin_extract_return_addr(caller)};
    if (hook.state && !atomic_load(&hook.state->parking))
        on_new_stack(report_once, &aborting);
}
