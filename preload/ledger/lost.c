#include "preload/ledger/lost.h"

#include "preload/shim/say.h"
#include "preload/shim/state.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"

void lost_creation(void)
{
    struct shim_state *state = shim_state;
    if (state && atomic_load(&state->ready) == SHIM_FAILED && !shim_config.is_second && shim_is_wanted())
        atomic_fetch_add(&state->unrecorded, 1);
}

/* *why: the reason. */
static uint64_t count(struct shim_state *state, const char **why)
{
    if (atomic_load(&state->ready) != SHIM_READY) {
        *why = shim_config.sandboxed ? "it was forked or started in a sandbox"
                                     : "there was no memory for its ledger";
        return atomic_exchange(&state->unrecorded, 0);
    }
    uint32_t flags = atomic_load(&state->header->flags);
    *why = flags & LEDGER_NO_ROOM ? "there was no memory to enlarge its ledger"
                                  : "too many threads or creation sites at once for its ledger";
    bool said = flags & LEDGER_UNDER_RUN || !shim_is_own_process(state);
    return said ? 0 : atomic_load(&state->header->lost_events);
}

void lost_say(void)
{
    char buffer[256];
    const char *why;
    uint64_t lost = shim_state != &shim_first_state ? count(shim_state, &why) : 0;
    if (lost == 0)
        return;
    struct text text = text_in(buffer, sizeof(buffer));
    text_print(&text, "%lu creation%s of a thread", lost, lost == 1 ? "" : "s");
    if (!shim_config.sandboxed) /* its filter may forbid getpid */
        text_print(&text, " by process %ld", SYS0(getpid));
    text_print(&text, " %s not recorded: %s", lost == 1 ? "was" : "were", why);
    shim_say(buffer);
}
