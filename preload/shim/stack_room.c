#include "preload/shim/stack_room.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/shim/guard.h"
#include "preload/shim/on_stack.h"
#include "preload/shim/readable.h"
#include "preload/shim/state.h"
#include "preload/shim/sys.h"

/* libunwind needs less than 6,000 bytes, and a module's path and headers 2,500. */
#define ROOM 12288
/* If the last test was for an address less than a page below, there is no guard page between. */
#define TESTED 4096

/* Memory of the program is below it, mostly without a guard page. */
static bool alternate_is_small(uintptr_t here)
{
    stack_t alternate;
    return SYS2(sigaltstack, NULL, &alternate) == 0 && alternate.ss_flags & SS_ONSTACK &&
           here - (uintptr_t)alternate.ss_sp < ROOM;
}

bool stack_has_room(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (here - shim_tls.stack_tested < TESTED || shim_config.sandboxed)
        return true;
    if (alternate_is_small(here))
        return false;
    for (size_t below = 4096; below <= ROOM; below += 4096)
        if (!memory_is_readable((const char *)here - below))
            return false;
    shim_tls.stack_tested = here;
    return true;
}

bool stack_with_room(void (*function)(void *), void *arg)
{
    char *memory = shim_config.sandboxed ? NULL : sys_map(LEDGER_OWN_STACK);
    if (!memory)
        return false;
    if (shim_state && shim_state->header)
        atomic_store_explicit(&shim_state->header->own_stack, (uintptr_t)memory, memory_order_relaxed);
    on_stack(memory + LEDGER_OWN_STACK, function, arg);
    SYS2(munmap, memory, LEDGER_OWN_STACK);
    return true;
}
