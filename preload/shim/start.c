/*
 * Start of the shim in a program, and of its ledger in each process.
 * See guard.h for the rules of code in this folder.
 */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/shim/brought.h"
#include "preload/backtrace/capture.h"
#include "preload/exit/finish.h"
#include "preload/shim/guard.h"
#include "preload/ledger/map.h"
#include "preload/backtrace/signal_capture.h"
#include "preload/hooks/real.h"
#include "preload/shim/settings.h"
#include "preload/shim/shim.h"
#include "preload/shim/sys.h"
#include "preload/hooks/thread_end.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

#define SITE_LEVELS 3 /* 10,752 entries */

struct shim_state *shim_state;
struct shim_config shim_config = {.tid_offset = -1, .start_offset = -1};
__thread struct shim_tls shim_tls;

static struct shim_state fallback_state; /* when there is no memory for the real one: never ready */

static void *wiped_on_fork(size_t size)
{
    long at = SYS6(mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at < 0 && at > -4096)
        return NULL;
    SYS3(madvise, at, size, MADV_WIPEONFORK);
    return (void *)at;
}

static size_t state_size(void)
{
    return (sizeof(struct shim_state) + 4095) & ~4095ul;
}

static void make_state(void)
{
    /* The state and its indexes: virtual space, of which a few pages get used. */
    size_t size = state_size() + 2 * index_bytes(SITE_LEVELS);
    struct shim_state *state = wiped_on_fork(size);
    shim_state = state ? state : &fallback_state;
    if (!state)
        atomic_store(&fallback_state.ready, SHIM_FAILED);
}

static void before_fork(void)
{
    struct shim_state *state = shim_known();
    if (state && !(atomic_load(&state->header->flags) & LEDGER_FORKS) && shim_is_own_process(state))
        atomic_fetch_or(&state->header->flags, LEDGER_FORKS);
    capture_before_fork();
}

static void in_forked_child(void)
{
    /* Where the kernel (before 4.14) did not wipe it.  What is left in the
     * indexes then is stale, which they bear. */
    if (shim_state != &fallback_state && atomic_load(&shim_state->ready) != SHIM_NEW)
        memset(shim_state, 0, sizeof(*shim_state));
    capture_in_child();
    shim_attach();
}

void shim_start(void)
{
    static _Atomic uint32_t started;
    if (atomic_exchange(&started, 1))
        return;
    struct guard guard = guard_enter();
    real_resolve();
    shim_remember_stderr();
    settings_find();
    thread_end_start();
    make_state();
    brought_exported();
    capture_start();
    present_start();
    pthread_atfork(before_fork, NULL, in_forked_child);
    finish_start();
    guard_leave(guard);
}

/* follow=0: a child that was forked is not watched. */
bool shim_is_wanted(void)
{
    static pid_t first;
    pid_t own = (pid_t)SYS0(getpid);
    if (first == 0)
        first = own;
    return own == first || shim_config.options.follow;
}

static bool begin_process(struct shim_state *state)
{
    char *memory = (char *)state + state_size();
    index_init(&state->raw, memory, SITE_LEVELS);
    index_init(&state->settled, memory + index_bytes(SITE_LEVELS), SITE_LEVELS);
    if (!ledger_map(state))
        return false;
    brought_to_ledger(state);
    return true;
}

struct shim_state *shim_attach(void)
{
    if (!shim_state)
        shim_start();
    struct shim_state *state = shim_state;
    uint32_t expected = SHIM_NEW;
    if (!state) /* another thread, or a constructor we called, is in shim_start */
        return NULL;
    if (atomic_compare_exchange_strong(&state->ready, &expected, SHIM_BUSY)) {
        struct guard guard = guard_enter();
        bool mapped = !shim_config.sandboxed && shim_is_wanted() && begin_process(state);
        shim_tls.slot = NULL;
        shim_tls.serial = 0;
        shim_tls.epoch = 0; /* learned anew */
        atomic_store_explicit(&state->ready, mapped ? SHIM_READY : SHIM_FAILED, memory_order_release);
        guard_leave(guard);
    }
    return atomic_load_explicit(&state->ready, memory_order_acquire) == SHIM_READY ? state : NULL;
}

bool shim_is_own_process(const struct shim_state *state)
{
    return shim_config.sandboxed == SANDBOX_SURE || (pid_t)SYS0(getpid) == state->pid;
}

int32_t shim_own_tid(void)
{
    if (shim_config.tid_offset < 0)
        return (int32_t)SYS0(gettid);
    return *(const int32_t *)((const char *)pthread_self() + shim_config.tid_offset);
}

__attribute__((constructor)) static void start(void)
{
    shim_start();
    shim_attach();
}
