/* What <threadleak.h> calls: a table that the program finds by its name. */
#include "preload/api/check.h"

#include <fcntl.h>
#include <string.h>

#include "preload/exit/reporter.h"
#include "preload/ledger/descriptor.h"
#include "preload/ledger/section.h"
#include "preload/ledger/test.h"
#include "preload/ledger/thread_join.h"
#include "preload/options/registered.h"
#include "preload/shim/hold.h"
#include "preload/shim/hook.h"
#include "preload/shim/say.h"
#include "preload/start/start.h"
#include "threadleak/abi.h"

/* ---- queries ----------------------------------------------------------------------- */

static int api_active(void)
{
    return shim_ready() != NULL;
}

static long count_kinds(const struct shim_state *state, unsigned kinds)
{
    uint32_t used = ledger_used(state->header, SECTION_SLOTS);
    long count = 0;
    for (uint32_t i = 0; i < used; i++) {
        descriptor_check(state, &state->slots[i]);
        bool used_now = atomic_load(&state->slots[i].serial) != 0;
        count += used_now && ledger_slot_kind(atomic_load(&state->slots[i].state)) & kinds;
    }
    return count;
}

static long api_count(unsigned kinds)
{
    if (kinds == 0 || kinds & ~KIND_ALL)
        return shim_refuse("threadleak_count", "unknown kind of thread");
    IN_HOOK(shim_ready);
    return hook.state ? count_kinds(hook.state, kinds) : 0;
}

static int dump(const struct shim_state *state, int fd)
{
    static const char who[] = "threadleak_dump";
    if (SYS2(fcntl, fd, F_GETFD) < 0)
        return shim_refuse(who, "the descriptor is not open");
    if (!state)
        return 0;
    if (shim_config.sandboxed || shim_config.no_reporter || !shim_is_own_process(state))
        return shim_refuse(who, "the threadleak program cannot be started from here");
    struct reporter_question question = {.mode = "dumpto", .fd = fd};
    bool done = reporter_ask(&question) != REPORTER_FAILED;
    return done ? 0 : shim_refuse(who, "the report could not be made");
}

static int api_dump(int fd)
{
    IN_HOOK(shim_ready);
    return dump(hook.state, fd);
}

/* ---- changes ----------------------------------------------------------------------- */

/* Threads with the same reason share one copy. Reasons fill at most half of the section, which also holds the
 * names of modules. */
static uint32_t store_reason(struct shim_state *state, const char *reason)
{
    size_t n = strnlen(reason, 255);
    uint32_t latest = state->latest_reason;
    if (latest && strncmp(state->strings + latest, reason, n + 1) == 0)
        return latest;
    if (ledger_used(state->header, SECTION_STRINGS) + n > state->header->sections[SECTION_STRINGS].cap / 2)
        return 0;
    state->latest_reason = ledger_store_string(state, reason, (uint32_t)n);
    return state->latest_reason;
}

static int ignore_thread(struct shim_state *state, pthread_t handle, const char *reason)
{
    if (!state || !shim_is_own_process(state))
        return 0;
    struct thread_ref thread = {0};
    if (handle) /* 0: an unused variable, or a std::thread without thread */
        thread = thread_find(state, handle);
    if (!thread.slot || !thread.serial)
        return shim_refuse("threadleak_ignore_thread", "the creation of this thread was not seen");
    struct hold hold = hold_begin(&state->registering);
    atomic_store(&thread.slot->reason, reason && *reason ? store_reason(state, reason) : 0);
    hold_end(&hold);
    atomic_fetch_or(&thread.slot->state, SLOT_IGNORED);
    return 0;
}

static int api_ignore_thread(pthread_t handle, const char *reason)
{
    IN_HOOK(shim_ready);
    return ignore_thread(hook.state, handle, reason);
}

static int api_set_options(const char *options)
{
    if (!shim_ready() || !options || !*options)
        return 0;
    return register_set_options("threadleak_set_options", options);
}

static int api_add_suppressions(const char *rules)
{
    if (!shim_ready() || !rules || !*rules)
        return 0;
    return register_rules("threadleak_add_suppressions", rules);
}

static int api_defaults(const char *options, const char *suppressions)
{
    int result = 0;
    if (!shim_ready())
        return 0;
    if (options && *options)
        result = register_default_options("__threadleak_default_options", options);
    if (suppressions && *suppressions)
        result |= register_rules("__threadleak_default_suppressions", suppressions);
    return result;
}

static int api_test(const char *name)
{
    IN_HOOK(shim_ready);
    if (hook.state && shim_is_own_process(hook.state))
        test_run(hook.state, name);
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
    .list = api_list,
};
