#include "preload/shim/state.h"

#include <linux/kcmp.h>
#include <string.h>

#include "preload/shim/sys.h"

struct shim_state shim_first_state;
/* Used when there is no memory for the real one, or none is wanted. */
static struct shim_state failed_state;

struct shim_state *shim_state = &shim_first_state;

/* Written at each start: on a page that the loader has written, too. */
#define HOT __attribute__((section(".data")))
static HOT pid_t first; /* pid of the program; 0: not known yet */
static HOT pid_t here; /* pid of this process; another one: a child of vfork, or of a fork without handlers */
static HOT bool forked; /* since the start of the program */

static size_t pages(size_t bytes)
{
    return (bytes + 4095) & ~4095ul;
}

static struct shim_state *map_state(void)
{
    /* This is virtual memory, and few of its pages are used. */
    size_t indexes = pages(sizeof(struct shim_state)), births = indexes + pages(2 * sizeof(struct index));
    size_t size = births + pages(STATE_BIRTHS * sizeof(struct thread_birth));
    char *memory = sys_map(size);
    if (!memory)
        return NULL;
    struct shim_state *state = (struct shim_state *)memory;
    SYS3(madvise, memory, sizeof(state->wiped_page), MADV_WIPEONFORK);
    state->size = size;
    state->maker = pthread_self();
    state->births = (struct thread_birth *)(memory + births);
    state->raw = (struct index *)(memory + indexes);
    state->encoded = state->raw + 1;
    atomic_store(&state->ready, SHIM_BUSY);
    return state;
}

void state_never(void)
{
    shim_config.is_second = true;
    atomic_store(&failed_state.ready, SHIM_FAILED);
    shim_state = &failed_state;
}

bool state_make(struct shim_state *expected, bool wanted)
{
    struct shim_state *made = wanted ? map_state() : NULL;
    if (!made) {
        made = &failed_state;
        atomic_store(&made->ready, SHIM_FAILED);
    }
    if (__atomic_compare_exchange_n(&shim_state, &expected, made, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return made != &failed_state;
    if (made != &failed_state)
        SYS2(munmap, made, made->size);
    return false;
}

void state_leave(struct shim_state *parent, bool keep)
{
    forked = true;
    here = shim_config.sandboxed == SANDBOX_SURE ? here : (pid_t)SYS0(getpid);
    if (shim_state == parent)
        shim_state = &shim_first_state;
    memset(&shim_first_state, 0, sizeof(shim_first_state)); /* another thread can have held a lock */
    atomic_store(&failed_state.unrecorded, 0);
    if (!keep && parent->size)
        SYS2(munmap, parent, parent->size);
}

void state_give_back(struct shim_state *state, uint32_t slots)
{
    size_t kept = (size_t)((char *)(state->births + slots) - (char *)state + 4095) & ~4095ul;
    if (kept >= state->size)
        return;
    SYS2(munmap, (char *)state + kept, state->size - kept);
    state->size = kept;
}

bool shim_is_child(void)
{
    pid_t own = (pid_t)SYS0(getpid);
    if (first == 0)
        first = here = own;
    return forked || own != first;
}

pid_t shim_pid_before_fork(void)
{
    return here;
}

bool shim_is_here(void)
{
    return !shim_config.sandboxed && (pid_t)SYS0(getpid) == here;
}

bool shim_shares_memory(void)
{
    pid_t own = shim_config.sandboxed ? here : (pid_t)SYS0(getpid);
    return own != here && SYS3(kcmp, own, here, KCMP_VM) == 0;
}

bool shim_is_wanted(void)
{
    return shim_config.options.follow || !shim_is_child();
}

bool shim_is_own_process(const struct shim_state *state)
{
    return shim_config.sandboxed == SANDBOX_SURE || (pid_t)SYS0(getpid) == state->pid;
}

struct shim_state *shim_own(void)
{
    struct shim_state *state = shim_known();
    return state && shim_is_own_process(state) ? state : NULL;
}

int32_t shim_own_tid(void)
{
    if (shim_config.tid_offset <= 0)
        return (int32_t)SYS0(gettid);
    int32_t tid = *(const int32_t *)((const char *)pthread_self() + shim_config.tid_offset);
    bool is_stale = tid == shim_config.stale_tid && (uint64_t)pthread_self() == shim_config.stale_thread;
    return is_stale ? shim_config.fresh_tid : tid;
}
