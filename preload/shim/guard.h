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

#include "common/wakes.h"

struct ledger_slot;
struct capture_walk;

/* What the pauses of a thread depend on (shake.h). */
struct shake {
    uint64_t path;
    uint32_t children, events;
};

/* The thread that this one created last, and the variable on its own stack that it passed. */
struct passed {
    uint64_t epoch; /* shim_state.epoch of the process that slot and serial are from */
    const struct ledger_slot *slot;
    uint64_t serial;
    uint64_t argument; /* 0: not a variable on its own stack */
    char value;        /* its first byte then */
    bool changed;      /* SLOT_ARGUMENT_CHANGED */
    bool by_others;    /* it has changed during a creation, too: not only the creator does that */
};

/* What the shim keeps for each thread, in its static TLS. */
struct shim_tls {
    struct ledger_slot *slot;  /* its record while the thread exists; NULL: main or untracked */
    uint64_t serial;           /* of the record; valid with slot */
    uint64_t epoch;            /* shim_state.epoch of the process that slot and serial are from */
    _Atomic bool early_detach; /* detached before it ran */
    bool ended;                /* its end is recorded */
    bool unwinding;            /* it is in libunwind */
    bool signals_blocked;      /* the shim blocked signals around libunwind */
    uintptr_t inside;          /* the frame of a hook that does its own work; 0: none */
    uintptr_t under_way;       /* the frame of a hook, also while it calls the real function; 0: none */
    bool begun;                /* no longer in the trampoline; false: not begun, or untracked */
    bool small_stack;          /* too small to unwind on */
    void *fork_caller;         /* return address of a fork that is under way; NULL: none */
    uint64_t fork_serial;      /* threads with this serial or a later one began after that fork; 0: unknown */
    struct capture_walk *walk; /* walk.h; NULL: no walk is running */
    uintptr_t stack_tested;    /* stack_room.c */
    uintptr_t own_stack;       /* the stack of the shim that it runs on (stack_room.c); 0: none */
    uint8_t walks;             /* backtraces without unwinder_cache (unwinder_tls.c) */
    bool end_is_seen;          /* the key's destructor will be called (thread_life.h) */
    struct passed passed;
    struct shake shake;
    struct wake_wait waiting; /* wakes=1 */
    void *unwinder_cache;     /* unwinder_tls.h */
    _Alignas(16) char unwinder_memory[64];
};
extern __thread struct shim_tls shim_tls;

/* Number of threads in libunwind.  A forked child inherits the locks that they hold. */
extern _Atomic uint32_t guard_unwinding;

/* Waits until no thread is in libunwind. The wait is bounded: a thread can be stopped there, it can be this
 * one, interrupted by a signal, or it has left by a jump and calls no hook any more. For the same threads it
 * does not wait again. */
void guard_unwind_wait(void);

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

/*
 * A hook does its own work between guard_enter and guard_leave. Only there it may use shim_state and the
 * ledger: a signal handler can fork at any instruction, and the child continues in the hook. There
 * shim_tls.under_way keeps the memory of the parent's state (start.c). guard_pause and guard_resume exclude
 * the real function. After guard_resume the process can be another one, see hook.h.
 */
struct guard {
    int saved_errno;
    uintptr_t outer;           /* shim_tls.inside before */
    uintptr_t outer_under_way; /* shim_tls.under_way before */
    bool nested;               /* this hook interrupted another one of the same thread */
};

/* A handler can leave a hook for good by siglongjmp. Then its frame is below that of the next hook, on the
 * same stack and not far away. */
#define LEFT_BY_JUMP (1u << 20)
void guard_left_by_jump(void);

/* Does this run on an alternate stack, or one of the shim, which does not contain the frame? It can be above
 * the frame: an array in the frame of main. */
bool guard_on_other_stack(uintptr_t outer);

static inline bool guard_is_left(uintptr_t here, uintptr_t outer)
{
    return __builtin_expect(outer != 0, 0) && here >= outer && here - outer < LEFT_BY_JUMP &&
           !guard_on_other_stack(outer);
}

/* The fences keep the compiler from moving work out of the guard. */
static inline __attribute__((always_inline)) struct guard guard_enter(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    struct guard guard = {errno, shim_tls.inside, shim_tls.under_way, false};
    if (guard_is_left(here, guard.outer)) {
        guard.outer = 0;
        guard_left_by_jump();
    }
    if (guard_is_left(here, guard.outer_under_way))
        guard.outer_under_way = 0;
    guard.nested = guard.outer != 0;
    shim_tls.under_way = here;
    shim_tls.inside = here;
    atomic_signal_fence(memory_order_seq_cst);
    return guard;
}

static inline void guard_pause(const struct guard *guard)
{
    atomic_signal_fence(memory_order_seq_cst);
    shim_tls.inside = guard->outer;
    errno = guard->saved_errno;
}

static inline __attribute__((always_inline)) void guard_resume(struct guard *guard)
{
    guard->saved_errno = errno;
    shim_tls.inside = (uintptr_t)__builtin_frame_address(0);
    atomic_signal_fence(memory_order_seq_cst);
}

static inline void guard_leave(struct guard guard)
{
    guard_pause(&guard);
    shim_tls.under_way = guard.outer_under_way;
}

#endif
