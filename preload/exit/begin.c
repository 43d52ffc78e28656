#include "preload/exit/begin.h"

#include <stdlib.h>

#include "preload/backtrace/capture.h"
#include "preload/shim/hook.h"
#include "preload/shim/real.h"
#include "preload/shim/stack_room.h"

/* A thread that calls exit() is no leak. The last thread of a process has ended before libc calls exit() in
 * it, and counts like any other. */
void begin_record_thread(struct shim_state *state)
{
    atomic_store(&state->header->end_tid, shim_own_tid());
    if (shim_tls.epoch == state->epoch && !shim_tls.ended)
        atomic_store(&state->header->end_serial, shim_tls.serial);
}

void begin_record(struct shim_state *state, enum ledger_end how, int status)
{
    struct ledger_header *header = state->header;
    atomic_store(&header->end_status, status);
    if (atomic_load(&header->end_began) == LEDGER_END_EXIT)
        return;
    atomic_store(&header->end_began_ns, shim_clock_ns(CLOCK_MONOTONIC));
    atomic_store_explicit(&header->end_began, how, memory_order_release);
}

void begin_exiting(void)
{
    IN_HOOK(shim_own);
    if (hook.state && shim_tls.epoch == hook.state->epoch && shim_tls.slot && !shim_tls.ended)
        atomic_fetch_or(&shim_tls.slot->state, SLOT_EXITING);
}

/* ---- exit() ------------------------------------------------------------------------- */

#ifndef __GLIBC__
static _Atomic int exit_status = LEDGER_STATUS_UNKNOWN;

int begin_exit_status(void)
{
    return atomic_load(&exit_status);
}
#endif

void begin_exit(int status)
{
#ifndef __GLIBC__
    atomic_store(&exit_status, status);
#endif
    IN_HOOK(shim_own);
    if (hook.state && !atomic_load(&hook.state->header->end_began)) {
        begin_record_thread(hook.state);
        begin_record(hook.state, LEDGER_END_EXIT, status);
    }
}

#ifdef __GLIBC__
static void on_exit_begin(int status, void *arg)
{
    (void)arg;
    begin_exit(status);
}

/* on_exit() takes a lock of libc that another thread can hold during a fork, and may allocate. */
void begin_arm(const struct shim_state *state)
{
    static _Atomic uint32_t armed;
    if (!(atomic_load(&state->header->flags) & LEDGER_FORKED) && !atomic_exchange(&armed, 1))
        on_exit(on_exit_begin, NULL);
}
#else
/* There a return from main calls exit(): hook_start.c. */
void begin_arm(const struct shim_state *state)
{
    (void)state;
}
#endif

/* exit() only calls another function, which does not return. */
#define EXIT_SIZE 64

/* Does this thread return to an address between these two? */
static __attribute__((noinline)) bool returns_to(uintptr_t first, uintptr_t last)
{
    struct capture *capture = __builtin_alloca(sizeof(*capture) + CAPTURE_MAX * sizeof(void *));
    capture_take(capture, __builtin_return_address(0));
    for (uint32_t i = 0; i < capture->count; i++)
        if ((uintptr_t)capture->frames[i] - first <= last - first)
            return true;
    return false;
}

static bool can_unwind(void)
{
    return !shim_tls.small_stack && !shim_tls.unwinding && stack_has_room();
}

bool begin_is_of_exit(const struct shim_state *state)
{
    uintptr_t start = (uintptr_t)REAL(exit);
    return atomic_load(&state->header->end_began) == LEDGER_END_EXIT ||
           (can_unwind() && returns_to(start, start + EXIT_SIZE));
}

bool begin_is_of_abort(const struct shim_state *state)
{
    return atomic_load(&state->header->abort.tid) == shim_own_tid() && can_unwind() &&
           returns_to(state->abort_caller, state->abort_caller);
}
