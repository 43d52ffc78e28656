#include "preload/exit/park.h"

#include <string.h>

#include "preload/backtrace/capture.h"
#include "preload/exit/dispositions.h"
#include "preload/ledger/module.h"
#include "preload/shim/faults.h"
#include "preload/shim/hook.h"
#include "preload/shim/park.h"
#include "preload/shim/real.h"
#include "preload/shim/say.h"
#include "preload/shim/sys.h"

static bool ends_process(const struct shim_state *state)
{
    return shim_own_tid() == atomic_load(&state->header->end_tid);
}

static _Noreturn void leave(struct shim_state *state)
{
    for (;;)
        SYS1(exit_group, atomic_load(&state->header->end_status));
}

static _Noreturn void park_here(struct shim_state *state)
{
    atomic_store(&state->parked, 1);
    park();
}

/* ---- faults ------------------------------------------------------------------------ */

static void record_untracked(struct shim_state *state, int number, ledger_pc pc)
{
    struct ledger_fault *fault = &state->header->fault;
    if (atomic_load(&fault->signal))
        return;
    fault->tid = shim_own_tid();
    fault->pc = pc;
    atomic_store_explicit(&fault->signal, (uint32_t)number, memory_order_release);
}

static void record_fault(struct shim_state *state, int number, const void *context)
{
    struct ledger_slot *slot = shim_tls.epoch == state->epoch ? shim_tls.slot : NULL;
    ledger_pc pc = module_encode(state, (uint64_t)CONTEXT_PC((const ucontext_t *)context));
    if (!slot) {
        record_untracked(state, number, pc);
        return;
    }
    atomic_store_explicit(&slot->fault_pc, pc, memory_order_relaxed);
    atomic_store_explicit(&slot->fault_signal, (uint16_t)number, memory_order_release);
}

/* Did the thread itself cause it, and not kill()? abort() sends SIGABRT to its own thread. */
static bool is_own_fault(const struct shim_state *state, int number, const siginfo_t *info)
{
    return info->si_code > 0 ||
           (number == SIGABRT && info->si_code == SI_TKILL && info->si_pid == state->pid);
}

/* A child of vfork, or one that a system call forked, has the parent's handlers. Only the latter has memory
 * of its own, without the state of the shim. */
static bool is_of_child(struct shim_state *state, int number)
{
    if (state && shim_is_own_process(state))
        return false;
    dispositions_in_child(state != NULL);
    SYS3(tgkill, SYS0(getpid), SYS0(gettid), number); /* delivered when the handler returns */
    return true;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    struct shim_state *state = shim_known();
    if (is_of_child(state, number) || !is_own_fault(state, number, info))
        return;
    if (!ends_process(state)) {
        record_fault(state, number, context);
        park_here(state);
    }
    shim_say("internal error at the end of the process, which is not reported");
    leave(state);
}

/* ---- the end cut short ---------------------------------------------------------------- */

/* Did this process cause the signal: by kill(), a timer or a message queue? */
static bool is_from_here(const struct shim_state *state, const siginfo_t *info)
{
    bool sent = info->si_code == SI_USER || info->si_code == SI_TKILL || info->si_code == SI_QUEUE;
    return sent ? info->si_pid == state->pid : info->si_code < 0;
}

static void on_cut(int number, siginfo_t *info, void *context)
{
    struct shim_state *state = shim_known();
    (void)context;
    bool has_status =
        !is_of_child(state, number) && atomic_load(&state->header->end_status) != LEDGER_STATUS_UNKNOWN;
    if (!has_status || is_from_here(state, info))
        return;
    /* During the grace it is not known which threads would have ended in time. */
    uint32_t none = LEDGER_END_NONE;
    atomic_compare_exchange_strong(&state->header->end, &none,
                                   (uint32_t)(atomic_load(&state->ending) & 0xff));
    leave(state);
}

/* ---- other threads that end the process -------------------------------------------------- */

void park_latecomer(void)
{
    IN_HOOK(shim_known);
    struct shim_state *state = hook.state;
    if (state && !shim_config.sandboxed && atomic_load(&state->parking) && shim_is_own_process(state) &&
        !ends_process(state))
        park_here(state);
}

/* ---- the thread that ends the process ------------------------------------------------------ */

uint64_t park_mask(void)
{
    return all_but_faults() & ~dispositions_cutting();
}

/* Signals that came before the end, while the program blocked them, do not cut it short. */
static void drop_pending(uint64_t signals)
{
    const struct timespec now = {0, 0};
    for (int i = 0; i < 8 && SYS4(rt_sigtimedwait, &signals, NULL, &now, KERNEL_SIGSET_SIZE) > 0; i++)
        ;
}

void park_begin(struct shim_state *state)
{
    if (shim_config.sandboxed)
        return;
    uint64_t all = ~0ull, mask = park_mask();
    SYS4(rt_sigprocmask, SIG_SETMASK, &all, NULL, KERNEL_SIGSET_SIZE);
    drop_pending(dispositions_cutting());
    /* First, so that no wait for a signal returns to the program once one disposition is replaced. */
    atomic_store(&state->parking, 1);
    dispositions_replace(state, on_fault, on_cut);
    SYS4(rt_sigprocmask, SIG_SETMASK, &mask, NULL, KERNEL_SIGSET_SIZE);
}
