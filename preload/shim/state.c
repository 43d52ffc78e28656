#include "preload/shim/state.h"

#include <string.h>

#include "preload/shim/sys.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

#define SITE_LEVELS 3 /* 10,752 entries */

struct shim_state *shim_state;
struct shim_config shim_config = {.tid_offset = -1, .start_offset = -1};

/* Used when there is no memory for the real one. It never becomes ready. */
static struct shim_state fallback_state = {.ready = SHIM_FAILED};

static size_t state_size(void)
{
    return (sizeof(struct shim_state) + 4095) & ~4095ul;
}

void state_start(void)
{
    /* The state and its indexes. This is virtual memory, and few of its pages are used. */
    size_t size = state_size() + 2 * index_bytes(SITE_LEVELS);
    void *memory = sys_map(size);
    if (memory)
        SYS3(madvise, memory, size, MADV_WIPEONFORK);
    shim_state = memory ? memory : &fallback_state;
}

void state_never(void)
{
    shim_config.is_second = true;
    shim_state = &fallback_state;
}

void state_begin(struct shim_state *state)
{
    char *memory = (char *)state + state_size();
    index_init(&state->raw, memory, SITE_LEVELS);
    index_init(&state->encoded, memory + index_bytes(SITE_LEVELS), SITE_LEVELS);
}

void state_in_child(void)
{
    /* The indexes may keep stale entries, which their users check. */
    if (shim_state != &fallback_state && atomic_load(&shim_state->ready) != SHIM_NEW)
        memset(shim_state, 0, sizeof(*shim_state));
}

bool shim_is_wanted(void)
{
    static pid_t first;
    pid_t own = (pid_t)SYS0(getpid);
    if (first == 0)
        first = own;
    return own == first || shim_config.options.follow;
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
    if (shim_config.tid_offset < 0)
        return (int32_t)SYS0(gettid);
    return *(const int32_t *)((const char *)pthread_self() + shim_config.tid_offset);
}
