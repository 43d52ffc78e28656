#include "preload/ledger/thread_life.h"

#include <pthread.h>
#include <threads.h>

#include "preload/ledger/slot.h"
#include "preload/ledger/thread.h"
#include "preload/ledger/thread_key.h"
#include "preload/shim/hook.h"
#include "preload/shim/shake.h"
#include "preload/shim/state.h"

/* A forked child can be here, too: then the slot is not from this process. */
static inline __attribute__((always_inline)) void enter_thread(const void *birth)
{
    struct hook hook = hook_enter(shim_known);
    struct ledger_slot *slot = hook.state ? slot_of_birth(hook.state, birth) : NULL;
    if (slot) {
        shim_tls.slot = slot;
        shim_tls.serial = atomic_load_explicit(&slot->serial, memory_order_relaxed);
        shim_tls.epoch = hook.epoch;
        shim_tls.small_stack = atomic_load_explicit(&slot->state, memory_order_relaxed) & SLOT_SMALL_STACK;
        thread_started(hook.state, slot, pthread_self(), shim_own_tid());
        shim_tls.end_is_seen = thread_key_set(1);
        shake_begin(slot);
    }
    shim_tls.begun = true;
    hook_leave(&hook);
    shake_pause();
}

/* Copied to registers first: afterwards a forked child may unmap the memory. The last call is a tail call: no
 * frame of ours stays on the new stack. */
void *thread_begin_pthread(void *arg)
{
    struct thread_birth birth = *(const struct thread_birth *)arg;
    enter_thread(arg);
    return ((void *(*)(void *))birth.start)((void *)birth.arg);
}

int thread_begin_thrd(void *arg)
{
    struct thread_birth birth = *(const struct thread_birth *)arg;
    enter_thread(arg);
    return ((thrd_start_t)birth.start)((void *)birth.arg);
}

void thread_begin_start(void)
{
    shim_config.trampolines[0] = (uint64_t)thread_begin_pthread;
    shim_config.trampolines[1] = (uint64_t)thread_begin_thrd;
}
