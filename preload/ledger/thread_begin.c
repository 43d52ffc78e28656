#include "preload/ledger/thread_begin.h"

#include <pthread.h>
#include <threads.h>

#include "preload/ledger/thread.h"
#include "preload/ledger/thread_end.h"
#include "preload/shim/guard.h"

static inline __attribute__((always_inline)) void enter_thread(struct ledger_slot *slot)
{
    struct shim_state *state = shim_state;
    struct guard guard = guard_enter();
    pthread_t self = pthread_self();
    int32_t tid = shim_own_tid();
    shim_tls.slot = slot;
    shim_tls.serial = atomic_load_explicit(&slot->serial, memory_order_relaxed);
    shim_tls.epoch = state->epoch;
    shim_tls.small_stack = atomic_load_explicit(&slot->state, memory_order_relaxed) & SLOT_SMALL_STACK;
    thread_started(state, slot, self, tid);
    thread_end_arm(slot);
    guard_leave(guard);
}

/* The last call is a tail call: no frame of ours stays on the new stack. */
void *thread_begin_pthread(void *arg)
{
    struct ledger_slot *slot = arg;
    void *(*start)(void *) = (void *(*)(void *))slot->start;
    void *start_arg = (void *)slot->arg;
    enter_thread(slot);
    return start(start_arg);
}

int thread_begin_thrd(void *arg)
{
    struct ledger_slot *slot = arg;
    thrd_start_t start = (thrd_start_t)slot->start;
    void *start_arg = (void *)slot->arg;
    enter_thread(slot);
    return start(start_arg);
}

void thread_begin_start(void)
{
    shim_config.trampolines[0] = (uint64_t)thread_begin_pthread;
    shim_config.trampolines[1] = (uint64_t)thread_begin_thrd;
}
