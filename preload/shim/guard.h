/*
 * What each hook does before and after its work. CONTRIBUTING.md has the rules for code in preload/.
 *
 * libunwind is never in DT_NEEDED.  Otherwise libraries that are loaded later would throw
 * their C++ exceptions through its _Unwind_* functions.
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
    struct ledger_slot *slot;  /* its record while the thread exists; NULL: main or untracked */
    uint64_t serial;           /* of the record; valid with slot */
    uint64_t epoch;            /* shim_state.epoch of the process that slot and serial are from */
    _Atomic bool early_detach; /* detached before it ran */
    bool ended;                /* its end is recorded */
    bool unwinding;            /* it is in libunwind */
    bool signals_blocked;      /* the shim blocked signals around libunwind */
    uintptr_t inside;          /* the frame of a running hook; 0: none */
    bool small_stack;          /* too small to unwind on */
    struct capture_walk *walk; /* walk.h; NULL: no walk is running */
};
extern __thread struct shim_tls shim_tls;

/* Number of threads in libunwind.  A forked child inherits the locks that they hold. */
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

/* A hook does its own work between guard_enter and guard_leave. */
struct guard {
    int saved_errno;
    uintptr_t outer; /* shim_tls.inside before */
    bool nested;     /* this hook interrupted another one of the same thread */
};

/* A handler can leave a hook for good by siglongjmp. Then its frame is below that of the next hook, on the
 * same stack and not far away. */
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
