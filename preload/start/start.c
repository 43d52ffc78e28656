#include "preload/start/start.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>

#include "preload/backtrace/capture.h"
#include "preload/backtrace/imports.h"
#include "preload/backtrace/loader_error.h"
#include "preload/backtrace/signal_capture.h"
#include "preload/exit/begin.h"
#include "preload/exit/dispositions.h"
#include "preload/exit/dump.h"
#include "preload/exit/end.h"
#include "preload/ledger/fork.h"
#include "preload/ledger/namespace.h"
#include "preload/ledger/section.h"
#include "preload/ledger/thread_key.h"
#include "preload/ledger/thread_life.h"
#include "preload/ledger/wakes.h"
#include "preload/options/registered.h"
#include "preload/options/settings.h"
#include "preload/shim/hook.h"
#include "preload/shim/on_stack.h"
#include "preload/shim/real.h"
#include "preload/shim/run_ask.h"
#include "preload/shim/say.h"
#include "preload/shim/tasks.h"
#include "preload/start/filter.h"
#include "threadleak/abi.h"

/* ---- forks ----------------------------------------------------------------------- */

/* False: at a fork there could be another thread, with a lock of the loader or of libc. */
static _Atomic bool may_load = true;
static bool is_only_thread; /* at the fork that runs */

static void before_fork(void)
{
    struct hook hook = hook_enter(shim_known);
    if (hook.state && !(atomic_load(&hook.state->header->flags) & LEDGER_FORKS) &&
        shim_is_own_process(hook.state))
        atomic_fetch_or(&hook.state->header->flags, LEDGER_FORKS);
    if (hook.state)
        fork_begin(hook.state);
    hook_leave(&hook);
    if (atomic_load(&may_load))
        is_only_thread = shim_count_tasks() == 1;
    capture_before_fork();
}

/*
 * A signal handler can fork while this thread is in a hook. Then the hook continues in the child with the
 * state and ledger that it knows. Both stay mapped, but the ledger has been replaced by private memory, so
 * that nothing reaches the parent. A thread that is not in a hook yet, but in the trampoline, needs its
 * birth. A sandbox can end the program for these system calls.
 */
static void leave_parent(struct shim_state *parent)
{
    bool under_way = shim_tls.under_way || !shim_tls.begun, sandbox = shim_config.sandboxed == SANDBOX_SURE;
    if (under_way || !sandbox)
        ledger_leave(under_way);
    state_leave(parent, under_way || sandbox);
    shim_config.ptracer = 0; /* Yama's permission is for one process */
    shim_tls.slot = NULL;
}

static void in_forked_child(void)
{
    struct shim_state *parent = shim_state;
    bool had_threads = parent->header != NULL && atomic_load(&parent->signal_armed);
    dispositions_in_child(false); /* can bring back the dump handler */
    dump_in_child();
    capture_in_child();
    thread_key_leave_others();
    fork_remember(parent);
    leave_parent(parent);
    shim_tls.begun = true; /* it is the main thread now */
    shim_config.main_thread = (uint64_t)pthread_self();
    if (!is_only_thread)
        atomic_store(&may_load, false);
    if (had_threads)
        shim_attach();
}

void shim_attach_child(void)
{
    is_only_thread = false;
    in_forked_child();
}

/* ---- once per program ------------------------------------------------------------- */

/* The loader binds it to the first copy of this library, or to the program's own copy of the table if it is
 * not position-independent. */
extern const struct threadleak_abi threadleak_abi_1 __attribute__((visibility("default")));

/* From the linker: the memory of this library. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/* A process can have two copies: LD_PRELOAD has two paths, or `threadleak run` adds one to it. The hooks of
 * the first call those of the second as the real functions. Only the first records. */
static bool is_first_copy(void)
{
    uintptr_t active = (uintptr_t)threadleak_abi_1.active;
    return active >= (uintptr_t)__ehdr_start && active < (uintptr_t)_end;
}

static void start_once(void)
{
    struct guard guard = guard_enter();
    if (is_first_copy()) {
        shim_is_child();
        shim_remember_stderr();
        settings_find();
        settings_exported();
        wakes_start();
        pthread_atfork(before_fork, NULL, in_forked_child);
        end_start(shim_at_end);
    } else {
        state_never();
    }
    guard_leave(guard);
}

static _Atomic bool is_prepared;

static void prepare_once(void *unused)
{
    (void)unused;
    if (atomic_exchange(&is_prepared, true))
        return;
    /* In a forked child a lock of the loader can be held for ever. */
    struct loader_error error = {NULL, NULL};
    if (atomic_load(&may_load))
        error = loader_error_keep();
    imports_bind();
    real_resolve();
    thread_key_take();
    signal_capture_start();
    if (atomic_load(&may_load))
        capture_start();
    loader_error_restore(&error);
}

static void arm(void *arg)
{
    prepare_once(NULL);
    if (!dump_arm(arg))
        return;
    signal_capture_arm(arg);
    begin_arm(arg);
}

void shim_before_threads(struct shim_state *state)
{
    on_new_stack(arm, state);
}

struct shim_state *shim_ready_early(void)
{
    struct shim_state *state = shim_ready();
    if (state && !atomic_load(&is_prepared))
        on_new_stack(prepare_once, NULL);
    return state;
}

/* ---- once per process ------------------------------------------------------------- */

#define REST_NS 100000000
#define MAX_RESTS 100

/* Threads wait for this, which may have locks of the loader. So nothing here takes one. */
static void begin_process(struct shim_state *state)
{
    thread_begin_start();
    settings_look_up();
    bool mapped = ledger_map(state);
    if (mapped)
        registered_to_ledger(state);
    atomic_store_explicit(&state->ready, mapped ? SHIM_READY : SHIM_FAILED, memory_order_release);
    SYS3(futex, &state->ready, FUTEX_WAKE_PRIVATE, INT_MAX);
}

/* before: wiped, if this is the child of a fork without handlers. */
static void attach(void *arg)
{
    struct shim_state *before = arg;
    static _Atomic bool is_tried;
    if (!shim_config.sandboxed && !atomic_exchange(&is_tried, true) && filter_kills())
        shim_config.sandboxed = SANDBOX_SURE;
    bool wanted = !shim_config.sandboxed && !shim_config.is_second && shim_is_wanted();
    if (!state_make(before, wanted))
        return;
    if (before->header)
        leave_parent(before);
    begin_process(shim_state);
}

static bool start(void)
{
    enum { NOT_YET, RUNS, DONE };
    static
        __attribute__((section(".data"))) _Atomic uint32_t stage; /* on a page that the loader has written */
    uint32_t not_yet = NOT_YET;
    if (atomic_compare_exchange_strong(&stage, &not_yet, RUNS)) {
        start_once();
        atomic_store(&stage, DONE);
    }
    /* Otherwise another thread is in start_once, or this thread called it in an outer frame. */
    return atomic_load(&stage) == DONE;
}

/* If another thread makes it. Otherwise a creation meanwhile would not be recorded. On a busy machine that
 * thread can be without a CPU for long. It can also be this one, interrupted by a signal. */
static void wait_for_ledger(void)
{
    static const struct timespec rest = {0, REST_NS};
    struct shim_state *state = shim_state;
    for (int i = 0;
         i < MAX_RESTS && atomic_load(&state->ready) == SHIM_BUSY && state->maker != pthread_self(); i++)
        SYS4(futex, &state->ready, FUTEX_WAIT_PRIVATE, SHIM_BUSY, &rest);
}

/* A child of vfork can be here: it calls chroot() before its exec. */
struct shim_state *shim_attach(void)
{
    struct guard guard = guard_enter();
    bool has_started = start();
    /* Once: another thread can replace it at any moment. */
    struct shim_state *before = __atomic_load_n(&shim_state, __ATOMIC_SEQ_CST);
    if (has_started && atomic_load(&before->ready) == SHIM_NEW && !shim_shares_memory())
        on_new_stack(attach, before);
    wait_for_ledger();
    guard_leave(guard);
    return shim_known();
}

struct shim_state *shim_at_end(void)
{
    struct shim_state *state = shim_known();
    /* Also threads whose creation was not seen are reported, and what could not be seen. */
    if (!state && *shim_config.run_dir && shim_is_here() && (shim_count_tasks() > 1 || namespace_exists()))
        state = shim_attach();
    return state && shim_is_own_process(state) ? state : NULL;
}

/* Instead of that of crtbegin.o, which adds symbols to look up, and calls at the end. libc_nonshared.a reads
 * it for pthread_atfork and at_quick_exit. */
extern void *__dso_handle __attribute__((visibility("hidden")));
void *__dso_handle = &__dso_handle;

__attribute__((constructor)) static void construct(void)
{
    shim_tls.begun = true;
    shim_config.main_thread = (uint64_t)pthread_self();
    start();
    if (*shim_config.run_dir && !shim_config.is_second && !run_report_in())
        shim_attach();
}
