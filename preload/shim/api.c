/*
 * What <threadleak.h> calls: the table that a program finds by its name.
 * See guard.h for the rules of code in this folder.
 */
#include "preload/shim/api.h"

#include <fcntl.h>
#include <string.h>

#include "preload/shim/brought.h"
#include "preload/shim/guard.h"
#include "preload/shim/hold.h"
#include "preload/ledger/room.h"
#include "preload/ledger/write.h"
#include "preload/exit/reporter.h"
#include "threadleak/abi.h"

/* ---- checkpoints ------------------------------------------------------------------- */

/* A serial and a mark of the process, so that one of a parent is not taken for one's own. */
#define SERIAL_BITS 40
#define SERIAL_MASK ((1ull << SERIAL_BITS) - 1)

static uint64_t mark_of(const struct shim_state *state)
{
    uint64_t mixed = (state->epoch ^ (uint64_t)state->pid << 32) * 0x9e3779b97f4a7c15ull;
    return (mixed >> SERIAL_BITS | 1) << SERIAL_BITS;
}

static uint64_t latest_serial(const struct shim_state *state)
{
    return atomic_load(&state->header->next_serial) - 1;
}

static uint64_t api_checkpoint(void)
{
    const struct shim_state *state = shim_ready();
    return state && shim_is_own_process(state) ? mark_of(state) | (latest_serial(state) & SERIAL_MASK) : 0;
}

uint64_t api_serial_of(const struct shim_state *state, uint64_t checkpoint)
{
    uint64_t serial = checkpoint & SERIAL_MASK;
    bool own = (checkpoint & ~SERIAL_MASK) == mark_of(state) && serial <= latest_serial(state);
    return own ? serial : UINT64_MAX;
}

/* ---- questions --------------------------------------------------------------------- */

static int api_active(void)
{
    return shim_ready() != NULL;
}

static bool is_of(uint32_t bits, unsigned kinds)
{
    if (bits & SLOT_ENDED)
        return !(bits & SLOT_DETACHED) && kinds & KIND_UNJOINED;
    return kinds & (bits & SLOT_DETACHED ? KIND_DETACHED : KIND_RUNNING);
}

static long api_count(unsigned kinds)
{
    const struct shim_state *state = shim_ready();
    if (kinds == 0 || kinds & ~KIND_ALL)
        return brought_refuse("threadleak_count", "there is no such kind of thread");
    if (!state)
        return 0;
    uint32_t used = atomic_load(&state->header->slots_used);
    long count = 0;
    for (uint32_t i = 0; i < used; i++) {
        uint32_t bits = atomic_load(&state->slots[i].state);
        count += atomic_load(&state->slots[i].serial) && !(bits & SLOT_JOINED) && is_of(bits, kinds);
    }
    return count;
}

static int api_dump(int fd)
{
    static const char who[] = "threadleak_dump";
    struct shim_state *state = shim_ready();
    if (SYS2(fcntl, fd, F_GETFD) < 0)
        return brought_refuse(who, "the descriptor is not open");
    if (!state)
        return 0;
    if (shim_config.sandboxed || shim_config.no_reporter || !shim_is_own_process(state))
        return brought_refuse(who, "the threadleak program can not be started from here");
    struct guard guard = guard_enter();
    struct reporter_question question = {.mode = "dumpto", .fd = fd};
    bool done = reporter_ask(&question) != REPORTER_FAILED;
    int result = done ? 0 : brought_refuse(who, "the report could not be made");
    guard_leave(guard);
    return result;
}

/* ---- statements -------------------------------------------------------------------- */

/* The same reason is given to many threads: one copy.  Never so many that the names of
 * modules find no room. */
static uint32_t store_reason(struct shim_state *state, const char *reason)
{
    size_t n = strnlen(reason, 255);
    uint32_t latest = state->latest_reason;
    if (latest && strncmp(state->strings + latest, reason, n + 1) == 0)
        return latest;
    if (atomic_load(&state->header->strings_used) + n > state->header->strings_cap / 2)
        return 0;
    state->latest_reason = ledger_store_string(state, reason, (uint32_t)n);
    return state->latest_reason;
}

static int api_ignore_thread(pthread_t handle, const char *reason)
{
    struct shim_state *state = shim_ready();
    if (!state || !shim_is_own_process(state))
        return 0;
    struct thread_ref thread = {0};
    if (handle) /* 0: a variable that no thread was created into, or a std::thread without one */
        thread = thread_find(state, handle);
    if (!thread.slot || !thread.serial)
        return brought_refuse("threadleak_ignore_thread", "the creation of this thread was not seen");
    struct hold hold = hold_begin(&state->settling);
    atomic_store(&thread.slot->reason, reason && *reason ? store_reason(state, reason) : 0);
    hold_end(&hold);
    atomic_fetch_or(&thread.slot->state, SLOT_IGNORED);
    return 0;
}

static int api_set_options(const char *options)
{
    if (!shim_ready() || !options || !*options)
        return 0;
    return brought_set_options("threadleak_set_options", options);
}

static int api_add_suppressions(const char *rules)
{
    if (!shim_ready() || !rules || !*rules)
        return 0;
    return brought_suppressions("threadleak_add_suppressions", rules);
}

static int api_defaults(const char *options, const char *suppressions)
{
    int result = 0;
    if (!shim_ready())
        return 0;
    if (options && *options)
        result = brought_default_options("__threadleak_default_options", options);
    if (suppressions && *suppressions)
        result |= brought_suppressions("__threadleak_default_suppressions", suppressions);
    return result;
}

/* Some places by turns, so that names need no room of their own each: a reader that is
 * slower than several tests can see a wrong one. */
enum { TEST_NAMES = 8 };

static uint32_t name_place(struct shim_state *state)
{
    if (!state->names_at) {
        uint32_t at = ledger_take(state, SECTION_STRINGS, TEST_NAMES * TEST_NAME_MAX);
        if (at == UINT32_MAX)
            return 0;
        state->names_at = at;
    }
    return state->names_at + state->names_turn++ % TEST_NAMES * TEST_NAME_MAX;
}

static int api_test(const char *name)
{
    struct shim_state *state = shim_ready();
    if (!state || !shim_is_own_process(state))
        return 0;
    if (!name || !*name)
        name = shim_config.test; /* what the environment said, or "" */
    struct hold hold = hold_begin(&state->settling);
    uint32_t at = *name ? name_place(state) : 0;
    if (at) {
        size_t n = strnlen(name, TEST_NAME_MAX - 1);
        while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
            n--; /* no half characters; a name that fits ends with its NUL */
        memcpy(state->strings + at, name, n);
        state->strings[at + n] = 0;
    }
    atomic_store(&state->header->test, at);
    hold_end(&hold);
    return 0;
}

/* ---- the table --------------------------------------------------------------------- */

extern const struct threadleak_abi threadleak_abi_1;
__attribute__((visibility("default"))) const struct threadleak_abi threadleak_abi_1 = {
    .size = sizeof(struct threadleak_abi),
    .active = api_active,
    .checkpoint = api_checkpoint,
    .check = api_check,
    .ignore_thread = api_ignore_thread,
    .set_options = api_set_options,
    .add_suppressions = api_add_suppressions,
    .count = api_count,
    .dump = api_dump,
    .test = api_test,
    .defaults = api_defaults,
};
