#include "preload/backtrace/capture.h"

#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "common/ledger.h"
#include "preload/backtrace/imports.h"
#include "preload/backtrace/walk.h"
#include "preload/ledger/module.h"
#include "preload/shim/faults.h"
#include "preload/shim/guard.h"
#include "preload/shim/readable.h"
#include "preload/shim/state.h"
#include "preload/shim/sys.h"

/* libunwind's function names contain the architecture ("_Ux86_64_…"). */
#define STRING_OF(name) #name
#define SYMBOL(name) STRING_OF(name)

#ifdef __x86_64__
typedef int getcontext_fn(unw_context_t *);
#define GETCONTEXT(context) unwinder.getcontext(context)
#define ACCESSORS "_Ux86_64_get_accessors" /* for local and remote unwinding */
#define CONTEXT_PC(context) ((context)->uc_mcontext.gregs[REG_RIP])
#else /* unw_getcontext is a macro of assembly */
#define GETCONTEXT(context) unw_getcontext(context)
#define ACCESSORS "_Uaarch64_get_accessors"
#define CONTEXT_PC(context) ((context)->uc_mcontext.pc)
#endif

static struct {
    int (*backtrace)(void **, int);
    int (*init_local)(unw_cursor_t *, unw_context_t *);
    int (*step)(unw_cursor_t *);
    int (*get_reg)(unw_cursor_t *, int, unw_word_t *);
    void (*flush_cache)(unw_addr_space_t, unw_word_t, unw_word_t);
    void (*set_caching_policy)(unw_addr_space_t, unw_caching_policy_t);
    unw_accessors_t *(*accessors)(unw_addr_space_t);
    unw_addr_space_t *local;
    int (*init_local2)(unw_cursor_t *, unw_context_t *, int);
    int (*access_mem)(unw_addr_space_t, unw_word_t, unw_word_t *, int, void *);
#ifdef __x86_64__
    getcontext_fn *getcontext;
#endif
} unwinder;

static _Atomic bool usable;
/*
 * libunwind's fast path has a cache of frame layouts in each thread. A thread cannot clear the caches of
 * others. Once any library was unloaded, another can have its addresses. From then on the cursor is used. It
 * needs 2 µs more for a backtrace, and reads each layout anew. Nothing here tries to find out whether the
 * unloaded library is in a cache: the cache also has frames that no record of ours has.
 */
static _Atomic bool cache_is_stale;

static bool may_read(struct capture_walk *walk, uintptr_t address)
{
    uintptr_t page = address & ~(uintptr_t)4095;
    if (page == 0 || (page != walk->readable && !memory_is_readable((const void *)address)))
        return false;
    walk->readable = page;
    return true;
}

/* If call-frame information is missing or wrong, an address can be anything. */
static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write, void *arg)
{
    struct capture_walk *walk = shim_tls.walk;
    if (!walk || write)
        return unwinder.access_mem(space, address, value, write, arg);
    if (!may_read(walk, address) || !may_read(walk, address + sizeof(*value) - 1))
        return -UNW_EINVAL;
    memcpy(value, (const void *)address, sizeof(*value));
    return 0;
}

/* libunwind calls it instead of dl_iterate_phdr.  It passes only the module that libunwind
 * searches, and takes no lock. */
static int iterate_modules(imports_callback *callback, void *data)
{
    struct capture_walk *walk = shim_tls.walk;
    struct dl_phdr_info info;
    if (!walk)
        return imports_iterate(callback, data);
    int lock_free = module_describe(walk->pc, &info);
    if (lock_free < 0)
        return imports_iterate(callback, data);
    return lock_free ? callback(&info, sizeof(info), data) : 0;
}

static void prepare_interrupted(void)
{
    if (!unwinder.accessors || !unwinder.local || !unwinder.init_local2)
        return;
    unw_accessors_t *table = unwinder.accessors(*unwinder.local);
    unwinder.access_mem = table->access_mem;
    table->access_mem = access_mem;
}

static const struct {
    void *to; /* a pointer to a function or variable */
    const char *name;
    bool optional;
} symbols[] = {
    {&unwinder.backtrace, "unw_backtrace", false},
    {&unwinder.init_local, SYMBOL(unw_init_local), false},
    {&unwinder.step, SYMBOL(unw_step), false},
    {&unwinder.get_reg, SYMBOL(unw_get_reg), false},
#ifdef __x86_64__
    {&unwinder.getcontext, SYMBOL(unw_tdep_getcontext), false},
#endif
    {&unwinder.init_local2, SYMBOL(unw_init_local2), true},
    {&unwinder.set_caching_policy, SYMBOL(unw_set_caching_policy), true},
    {&unwinder.flush_cache, SYMBOL(unw_flush_cache), true},
    {&unwinder.accessors, ACCESSORS, true},
    {&unwinder.local, SYMBOL(unw_local_addr_space), true},
};

static bool find_symbols(void *lib)
{
    for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++) {
        void *found = dlsym(lib, symbols[i].name);
        if (!found && !symbols[i].optional)
            return false;
        *(void **)symbols[i].to = found;
    }
    return true;
}

void capture_start(void)
{
    void *lib = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    if (!lib || !imports_replace(lib, iterate_modules) || !find_symbols(lib))
        return;
    /* The cache has a lock: walk.h. */
    if (!walk_has_locks() && unwinder.set_caching_policy && unwinder.local)
        unwinder.set_caching_policy(*unwinder.local, UNW_CACHE_NONE);
    /* libunwind initialises itself at its first use. This makes it happen here, not at a creation. */
    void *frames[1];
    shim_tls.unwinding = true;
    unwinder.backtrace(frames, 1);
    shim_tls.unwinding = false;
    prepare_interrupted();
    atomic_store(&usable, true);
}

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

/* The stack that a cursor needs is less than 5,000 bytes. */
#define CURSOR_STACK 8192

/* Without this the stack can overflow in libunwind, which holds its lock then. */
static bool has_stack(void)
{
    const char *here = __builtin_frame_address(0);
    for (size_t below = 4096; below <= CURSOR_STACK; below += 4096)
        if (!memory_is_readable(here - below))
            return false;
    return true;
}

/* Otherwise libunwind would block the signals twice for each frame. */
static int cursor_backtrace(void **frames, int size)
{
    uint64_t blocked = all_but_faults(), before;
    if (shim_config.sandboxed)
        return step_cursor(frames, size);
    if (!has_stack())
        return 0;
    SYS4(rt_sigprocmask, SIG_SETMASK, &blocked, &before, sizeof(blocked));
    shim_tls.signals_blocked = true;
    int n = step_cursor(frames, size);
    shim_tls.signals_blocked = false;
    SYS4(rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
    return n;
}

static int backtrace_now(void **frames, int size)
{
    int n;
    guard_unwind_begin();
    if (atomic_load_explicit(&cache_is_stale, memory_order_relaxed))
        n = cursor_backtrace(frames, size);
    else
        n = unwinder.backtrace(frames, size);
    guard_unwind_end();
    return n;
}

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

void capture_take(struct capture *capture, void *caller)
{
    if (!atomic_load_explicit(&usable, memory_order_acquire)) {
        take_caller_alone(capture, caller, SITE_NO_UNWINDER | SITE_TRUNCATED);
        return;
    }
    const int own = 6; /* at most this many frames of the shim and of libunwind come first */
    int depth = (int)shim_config.options.depth;
    int n = backtrace_now(capture->frames, depth + own);
    int skip = 0;
    while (skip < n && skip < own && capture->frames[skip] != caller)
        skip++;
    if (skip >= n || skip >= own) {
        take_caller_alone(capture, caller, SITE_TRUNCATED);
        return;
    }
    n -= skip;
    capture->flags = n > depth ? SITE_TRUNCATED : 0;
    capture->count = (uint32_t)(n > depth ? depth : n);
    if (skip)
        __builtin_memmove(capture->frames, capture->frames + skip, capture->count * sizeof(void *));
}

struct interrupted {
    void **frames;
    uint32_t depth, count;
    void *context;
    bool whole;
};

static __attribute__((noinline)) void walk_frames(struct interrupted *stack, struct capture_walk *walk)
{
    unw_cursor_t cursor;
    int more = unwinder.init_local2(&cursor, stack->context, UNW_INIT_SIGNAL_FRAME) == 0;
    while (more > 0 && stack->count < stack->depth) {
        unw_word_t pc;
        if (unwinder.get_reg(&cursor, UNW_REG_IP, &pc) != 0)
            break;
        stack->whole = pc == 0;
        if (pc == 0)
            break;
        stack->frames[stack->count] = (void *)pc;
        walk->pc = stack->count++ ? pc - 1 : pc;
        more = unwinder.step(&cursor);
        stack->whole = more == 0;
    }
}

static __attribute__((noinline)) void walk_interrupted(struct interrupted *stack)
{
    struct capture_walk walk = {.pc = (unw_word_t)CONTEXT_PC((ucontext_t *)stack->context)};
    shim_tls.walk = &walk;
    shim_tls.signals_blocked = true; /* the handler's mask */
    if (__builtin_setjmp(walk.given_up) == 0)
        walk_frames(stack, &walk);
    shim_tls.signals_blocked = false;
    shim_tls.walk = NULL;
}

void capture_interrupted(struct capture *capture, void *context, uint32_t depth)
{
    struct interrupted stack = {.frames = capture->frames, .depth = depth, .context = context};
    take_caller_alone(capture, (void *)CONTEXT_PC((ucontext_t *)context), SITE_TRUNCATED);
    if (!atomic_load_explicit(&usable, memory_order_acquire) || !unwinder.access_mem) {
        capture->flags |= SITE_NO_UNWINDER;
        return;
    }
    if (shim_tls.unwinding)
        return;
    guard_unwind_begin();
    walk_interrupted(&stack);
    guard_unwind_end();
    capture->count = stack.count ? stack.count : 1;
    capture->flags = stack.whole ? 0 : SITE_TRUNCATED;
}

void capture_forget(void)
{
    if (!atomic_load(&usable))
        return;
    atomic_store(&cache_is_stale, true);
    if (unwinder.flush_cache && unwinder.local)
        unwinder.flush_cache(*unwinder.local, 0, 0);
}

void capture_before_fork(void)
{
    /* The wait is bounded: a thread in libunwind can be stopped, or it can be this one, interrupted by a
     * signal. */
    for (int i = 0; i < 10000 && atomic_load(&guard_unwinding) > 0; i++)
        sched_yield();
}

void capture_in_child(void)
{
    if (atomic_exchange(&guard_unwinding, 0) > 0)
        atomic_store(&usable, false);
}
