#include "preload/shim/stack_room.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/shim/faults.h"
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

/* ---- stacks of the shim --------------------------------------------------------- */

/*
 * Memory that nobody uses; NULL: none. It stays mapped, without pages. Otherwise the next one could be next
 * to the stack of a thread. There its page table would stay, and the kernel would search it whenever a thread
 * of that stack ends (madvise(MADV_DONTNEED) in pthread_create.c): a quarter of a microsecond.
 */
static char *_Atomic spare[2];
static _Atomic bool is_locked;

/* Before there is a ledger it is not known which system calls a filter of the program permits: then it is
 * mapped and unmapped, as libc does. When the program has locked its memory, pages cannot be given back. */
static bool may_keep(void)
{
    return !shim_config.sandboxed && !atomic_load(&is_locked) && shim_state && shim_state->header;
}

static bool keep_spare(char *memory)
{
    for (int i = 0; i < 2; i++) {
        char *none = NULL;
        if (atomic_compare_exchange_strong(&spare[i], &none, memory))
            return true;
    }
    return false;
}

static bool is_emptied(char *memory)
{
    bool empty = SYS3(madvise, memory, LEDGER_OWN_STACK, MADV_DONTNEED) == 0;
    if (!empty)
        atomic_store(&is_locked, true);
    return empty;
}

static void give_spare(char *memory)
{
    if (!may_keep() || !is_emptied(memory) || !keep_spare(memory))
        SYS2(munmap, memory, LEDGER_OWN_STACK);
}

/* One to use, and one to keep. */
static char *map_two(void)
{
    char *memory = sys_map(2 * LEDGER_OWN_STACK);
    if (memory && !keep_spare(memory + LEDGER_OWN_STACK))
        SYS2(munmap, memory + LEDGER_OWN_STACK, LEDGER_OWN_STACK);
    return memory;
}

char *spare_take(void)
{
    char *memory = NULL;
    if (shim_config.sandboxed)
        return NULL;
    for (int i = 1; i >= 0 && !memory; i--)
        memory = atomic_exchange(&spare[i], NULL);
    if (!memory && may_keep())
        memory = map_two();
    return memory ? memory : sys_map(LEDGER_OWN_STACK);
}

void spare_give_back(void)
{
    for (int i = 0; i < 2; i++) {
        char *memory = atomic_exchange(&spare[i], NULL);
        if (memory)
            SYS2(munmap, memory, LEDGER_OWN_STACK);
    }
}

static void run_on(char *stack, void (*function)(void *), void *arg)
{
    uintptr_t tested = shim_tls.stack_tested, outer = shim_tls.own_stack;
    shim_tls.own_stack = (uintptr_t)stack;
    shim_tls.stack_tested = (uintptr_t)stack + LEDGER_OWN_STACK - TESTED;
    on_stack(stack + LEDGER_OWN_STACK, function, arg);
    shim_tls.stack_tested = tested;
    shim_tls.own_stack = outer;
    give_spare(stack);
}

#define SIGSETXID_BIT (1ull << 32)
void on_new_stack(void (*function)(void *), void *arg)
{
    uint64_t blocked = all_but_faults() & ~SIGSETXID_BIT, before;
    if (shim_config.sandboxed) {
        function(arg);
        return;
    }
    SYS4(rt_sigprocmask, SIG_BLOCK, &blocked, &before, KERNEL_SIGSET_SIZE);
    char *stack = spare_take();
    if (stack)
        run_on(stack, function, arg);
    else
        function(arg);
    SYS4(rt_sigprocmask, SIG_SETMASK, &before, NULL, KERNEL_SIGSET_SIZE);
}

bool stack_with_room(void (*function)(void *), void *arg)
{
    char *stack = shim_config.sandboxed ? NULL : spare_take();
    if (!stack)
        return false;
    if (shim_state && shim_state->header)
        atomic_store_explicit(&shim_state->header->own_stack, (uintptr_t)stack, memory_order_relaxed);
    run_on(stack, function, arg);
    return true;
}
