#include "preload/shim/guard.h"

#include <sched.h>
#include <signal.h>

#include "preload/shim/state.h"
#include "preload/shim/sys.h"

__thread struct shim_tls shim_tls;
_Atomic uint32_t guard_unwinding;

bool guard_on_other_stack(uintptr_t outer)
{
    stack_t alternate;
    bool on_own = (uintptr_t)__builtin_frame_address(0) - shim_tls.own_stack < LEDGER_OWN_STACK;
    if (on_own && outer - shim_tls.own_stack >= LEDGER_OWN_STACK)
        return true;
    return !shim_config.sandboxed && SYS2(sigaltstack, NULL, &alternate) == 0 &&
           alternate.ss_flags & SS_ONSTACK && outer - (uintptr_t)alternate.ss_sp >= alternate.ss_size;
}

void guard_unwind_wait(void)
{
    static _Atomic uint32_t waited_for;
    uint32_t known = atomic_load(&waited_for), now;
    for (int i = 0; (now = atomic_load(&guard_unwinding)) > known && i < 10000; i++)
        sched_yield();
    atomic_store(&waited_for, now);
}

void guard_left_by_jump(void)
{
    shim_tls.signals_blocked = false;
    if (shim_tls.unwinding)
        guard_unwind_end();
}
