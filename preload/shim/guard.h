/*
 * Rules for all code in preload/.  It runs inside programs of other people.
 *
 *  1. Fail open.  Whatever goes wrong with us, the program behaves as if we were
 *     not there: no exit, no abort, no output in its place; errno, cancellation
 *     state and signal mask are as they were when a hook returns.
 *  2. No malloc, no stdio, no threads, no lasting descriptors, and no lock that a
 *     fork, a signal or a cancellation could leave held.
 *  3. Unwind before touching shared state.
 *  4. libunwind is never in DT_NEEDED: its _Unwind_* would capture the C++
 *     exceptions of libraries loaded later.
 *  5. Nothing is exported but the hooks; real functions come from RTLD_NEXT.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_GUARD_H
#define THREADLEAK_PRELOAD_SHIM_GUARD_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ledger_slot;
struct capture_walk;

/* What the shim keeps for each thread, in its static TLS. */
struct shim_tls {
    struct ledger_slot *slot;  /* its record, until its memory goes; NULL: main or untracked */
    uint64_t serial;           /* of the record; valid with slot */
    uint64_t epoch;            /* process (shim_state.epoch) the two belong to */
    _Atomic bool early_detach; /* it was detached before it began to run */
    bool ended;                /* its end is recorded */
    bool unwinding;            /* and within libunwind */
    bool signals_blocked;      /* by us, around libunwind */
    uintptr_t inside;          /* the frame of a hook of ours that a signal may interrupt; 0: none */
    bool small_stack;          /* too small to unwind on */
    struct capture_walk *walk; /* of the stack that a signal interrupted: walk.h; NULL: in none */
};
extern __thread struct shim_tls shim_tls;

/* Threads inside libunwind, whose locks a forked child would inherit held. */
extern _Atomic uint32_t guard_unwinding;

static inline void guard_unwind_begin(void)
{
    atomic_fetch_add_explicit(&guard_unwinding, 1, memory_order_acquire);
    shim_tls.unwinding = true;
}

static inline void guard_unwind_end(void)
{
    shim_tls.unwinding = false;
    atomic_fetch_sub_explicit(&guard_unwinding, 1, memory_order_release);
}

/* Every hook that does work of ours does it between these two. */
struct guard {
    int saved_errno;
    uintptr_t outer; /* shim_tls.inside before */
    bool nested;     /* a hook of this thread was interrupted by this one */
};

/* siglongjmp out of a handler leaves a hook for good: its frame is then below the
 * stack pointer of the next, which stands on the same stack not far away. */
#define LEFT_BY_JUMP (1u << 20)
void guard_left_by_jump(void);

static inline struct guard guard_enter(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    struct guard guard = {errno, shim_tls.inside, shim_tls.inside != 0};
    if (__builtin_expect(guard.nested, 0) && here >= guard.outer && here - guard.outer < LEFT_BY_JUMP) {
        guard.nested = false;
        guard.outer = 0;
        guard_left_by_jump();
    }
    shim_tls.inside = here;
    return guard;
}

static inline void guard_leave(struct guard guard)
{
    shim_tls.inside = guard.outer;
    errno = guard.saved_errno;
}

#endif
