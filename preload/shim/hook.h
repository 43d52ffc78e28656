/*
 * A hook that records something does so before and after the real function:
 *
 *     struct hook hook = hook_enter(shim_known);
 *                                       hook.state: the state, or NULL: record nothing
 *     …
 *     hook_pause(&hook);
 *     result = REAL(NAME)(…);
 *     hook_resume(&hook);               hook.state: the same, or NULL, see below
 *     …
 *     hook_leave(&hook);
 *
 * A signal handler can fork in the real function. The child returns from it, too. There the hook has no
 * effect: hook_resume finds a state with another epoch.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_HOOK_H
#define THREADLEAK_PRELOAD_SHIM_HOOK_H

#include "preload/shim/guard.h"
#include "preload/shim/state.h"

struct hook {
    struct guard guard;
    struct shim_state *state;
    uint64_t epoch;
};

/* find: shim_known, or shim_ready to make the ledger if there is none. */
static inline __attribute__((always_inline)) struct hook hook_enter(struct shim_state *(*find)(void))
{
    struct hook hook = {.guard = guard_enter()};
    hook.state = find();
    hook.epoch = hook.state ? hook.state->epoch : 0;
    return hook;
}

static inline __attribute__((always_inline)) void hook_pause(const struct hook *hook)
{
    guard_pause(&hook->guard);
}

static inline __attribute__((always_inline)) void hook_resume(struct hook *hook)
{
    guard_resume(&hook->guard);
    struct shim_state *state = shim_known();
    hook->state = hook->state && state && state->epoch == hook->epoch ? state : NULL;
}

static inline __attribute__((always_inline)) void hook_leave(const struct hook *hook)
{
    guard_leave(hook->guard);
}

/* `hook`, which the end of its block leaves. A cancellation in it would not. */
#define IN_HOOK(find) __attribute__((unused, cleanup(hook_leave))) struct hook hook = hook_enter(find)

#endif
