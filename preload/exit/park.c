#include "preload/exit/steps.h"

#include <signal.h>
#include <string.h>

#include "preload/shim/faults.h"
#include "preload/shim/real.h"
#include "preload/shim/sys.h"

static uint64_t set_mask(uint64_t mask)
{
    uint64_t before = 0;
    SYS4(rt_sigprocmask, SIG_SETMASK, &mask, &before, KERNEL_SIGSET_SIZE);
    return before;
}

static _Noreturn void park(void)
{
    set_mask(~0ull);
    for (;;)
        SYS6(ppoll, NULL, 0, NULL, NULL, 0, 0);
}

static bool ends_process(const struct shim_state *state)
{
    return shim_own_tid() == atomic_load(&state->header->end_tid);
}

static void on_fault(int number)
{
    if (!ends_process(shim_state))
        park();
    real.signal(number, SIG_DFL); /* a fault of the shim: it happens again, and ends the process */
}

static void guard_faults(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    struct sigaction action;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        if (real.sigaction(faults[i], NULL, &action) != 0 || action.sa_flags & SA_SIGINFO ||
            action.sa_handler != SIG_DFL)
            continue;
        memset(&action, 0, sizeof(action));
        action.sa_handler = on_fault;
        action.sa_flags = SA_ONSTACK;
        real.sigaction(faults[i], &action, NULL);
    }
}

void park_latecomer(void)
{
    struct shim_state *state = shim_known();
    if (!state || shim_config.sandboxed || !atomic_load(&state->parking) || !shim_is_own_process(state))
        return;
    if (!ends_process(state))
        park();
}

uint64_t park_begin(struct shim_state *state)
{
    if (shim_config.sandboxed)
        return 0;
    uint64_t before = set_mask(all_but_faults());
    guard_faults();
    atomic_store(&state->parking, 1);
    return before;
}

void park_end(uint64_t mask)
{
    if (!shim_config.sandboxed)
        set_mask(mask);
}
