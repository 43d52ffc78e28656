#include "preload/shim/guard.h"

__thread struct shim_tls shim_tls;
_Atomic uint32_t guard_unwinding;

void guard_left_by_jump(void)
{
    shim_tls.signals_blocked = false;
    if (shim_tls.unwinding)
        guard_unwind_end();
}
