#include "preload/backtrace/capture.h"

#include <stdatomic.h>

#include "common/ledger.h"
#include "preload/backtrace/frame_pointers.h"
#include "preload/backtrace/frames.h"
#include "preload/backtrace/unwinder.h"
#include "preload/ledger/module.h"
#include "preload/ledger/namespace.h"
#include "preload/shim/faults.h"
#include "preload/shim/guard.h"
#include "preload/shim/readable.h"
#include "preload/shim/stack_room.h"
#include "preload/shim/state.h"
#include "preload/shim/sys.h"
#include "preload/shim/unwinder_tls.h"

static _Atomic bool usable;
/*
 * libunwind's fast path has a cache of frame layouts in each thread. A thread cannot clear the caches of
 * others. Once any library was unloaded, another can have its addresses. From then on the cursor is used. It
 * needs 2 µs more for a backtrace, and reads each layout anew. Nothing here tries to find out whether the
 * unloaded library is in a cache: the cache also has frames that no record of ours has.
 */
static _Atomic bool cache_is_stale;

bool capture_usable(void)
{
    return atomic_load_explicit(&usable, memory_order_acquire);
}

void capture_start(void)
{
    if (!unwinder_load())
        return;
    if (atomic_load(&cache_is_stale)) /* the program can have filled the cache before */
        unwinder_flush();
    atomic_store(&usable, true);
}

/* Each frame that is ours costs a backtrace 75 instructions. */
#define NO_FRAME inline __attribute__((always_inline))

/* ---- unwinding ------------------------------------------------------------------ */

#if HAS_LIBUNWIND
static int step_cursor(void **frames, int size)
{
    unw_cursor_t cursor;
    unw_context_t context;
    int n = 0;

    if (GETCONTEXT(&context) != 0 || unwinder.init_local(&cursor, &context) != 0)
        return 0;
    while (n < size && unwinder.step(&cursor) > 0) {
        unw_word_t ip;
        if (unwinder.get_reg(&cursor, UNW_REG_IP, &ip) != 0 || ip == 0)
            break;
        frames[n++] = (void *)ip;
    }
    return n;
}

/* Otherwise libunwind would block the signals twice for each frame. */
static int cursor_backtrace(void **frames, int size)
{
    uint64_t blocked = all_but_faults(), before;
    if (shim_config.sandboxed)
        return step_cursor(frames, size);
    SYS4(rt_sigprocmask, SIG_BLOCK, &blocked, &before, sizeof(blocked));
    shim_tls.signals_blocked = true;
    int n = step_cursor(frames, size);
    shim_tls.signals_blocked = false;
    SYS4(rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
    return n;
}

/* An unload in a second namespace of the loader calls no hook. During one that does, another library can get
 * the addresses before the cache is emptied. */
static void distrust_cache(void)
{
    bool unseen = namespace_exists();
    if (__builtin_expect(!unseen && !module_unloading(), 1))
        return;
    if (unseen)
        atomic_store(&cache_is_stale, true);
    unwinder_flush();
}

static bool may_use_fast_path(void)
{
    distrust_cache();
    return !atomic_load_explicit(&cache_is_stale, memory_order_acquire) && !module_unloading() &&
           unwinder_tls_allowed();
}

static NO_FRAME int backtrace_now(void **frames, int size)
{
    guard_unwind_begin();
    int n = may_use_fast_path() ? unwinder.backtrace(frames, size) : cursor_backtrace(frames, size);
    guard_unwind_end();
    return n;
}
#else
static __attribute__((noinline)) int backtrace_now(void **frames, int size)
{
    return frame_pointers_walk(__builtin_frame_address(0), frames, size);
}
#endif

static void take_caller_alone(struct capture *capture, void *caller, uint32_t why)
{
    capture->frames[0] = caller;
    capture->count = 1;
    capture->flags = why;
}

void capture_caller(struct capture *capture, void *caller)
{
    take_caller_alone(capture, caller, SITE_TRUNCATED);
}

static NO_FRAME void take(struct capture *capture, void *caller)
{
    if (!capture_usable()) {
        take_caller_alone(capture, caller, SITE_NO_UNWINDER | SITE_TRUNCATED);
        return;
    }
    const uint32_t own = 6; /* at most this many frames of the shim and of libunwind come first */
    uint32_t depth = shim_config.options.depth;
    int n = backtrace_now(capture->frames, (int)(depth + own));
    uint32_t count = frames_from_caller(capture->frames, n > 0 ? (uint32_t)n : 0, own, caller);
    if (count == 0) {
        take_caller_alone(capture, caller, SITE_TRUNCATED);
        return;
    }
    capture->flags = (count > depth ? SITE_TRUNCATED : 0) | (HAS_LIBUNWIND ? 0 : SITE_NO_UNWINDER);
    capture->count = count > depth ? depth : count;
}

void capture_take(struct capture *capture, void *caller)
{
    take(capture, caller);
}

/* The real pthread_create can use its stack. */
uint32_t capture_site(struct shim_state *state, void *caller, uint64_t start, bool nested)
{
    bool caller_only = nested || shim_tls.small_stack || !stack_has_room();
    size_t frames = caller_only ? 1 : CAPTURE_MAX;
    struct capture *capture = __builtin_alloca(sizeof(*capture) + frames * sizeof(void *));
    if (caller_only)
        capture_caller(capture, caller);
    else
        take(capture, caller);
    return site_of(state, capture, start);
}

/* ---- unloading ------------------------------------------------------------------ */

/* The library can unload itself, so the caller is encoded before. */
struct module_unload capture_before_unload(struct shim_state *state, void *handle, void *caller)
{
    struct module_unload unload = module_unload_begin(handle);
    unload.caller = (uint64_t)caller;
    if (state) {
        unload.serial = atomic_load(&state->header->next_serial);
        unload.at = module_encode(state, unload.caller);
        unload.reused = module_is_marked_at(state, unload.inside);
    }
    return unload;
}

static void record_unload(struct shim_state *state, const struct module_unload *unload)
{
    site_forget_addresses(state);
    ledger_pc at = unload->serial ? unload->at : module_encode(state, unload->caller);
    module_mark_unloaded(state, unload, at);
    atomic_store(&state->header->unloaded_at, at);
    atomic_fetch_add(&state->header->unloads, 1);
}

void capture_after_unload(struct shim_state *state, const struct module_unload *unload, int result)
{
    if (module_unload_end(unload, result)) {
        atomic_store(&cache_is_stale, true);
        if (state)
            record_unload(state, unload);
    }
    if (capture_usable())
        unwinder_flush();
    module_unload_done();
}

/* ---- fork ----------------------------------------------------------------------- */

void capture_before_fork(void)
{
    if (shim_config.sandboxed != SANDBOX_SURE) /* a filter can end the program for sched_yield() */
        guard_unwind_wait();
}

void capture_in_child(void)
{
    if (atomic_exchange(&guard_unwinding, 0) > 0)
        atomic_store(&usable, false);
    if (module_unload_in_child())
        atomic_store(&cache_is_stale, true);
}
