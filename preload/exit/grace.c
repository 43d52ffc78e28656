#include "preload/exit/steps.h"

#include "preload/exit/quiet.h"
#include "preload/ledger/leak.h"
#include "preload/ledger/thread.h"
#include "preload/shim/guard.h"
#include "preload/shim/sys.h"

bool grace_others_run(const struct shim_state *state)
{
    int64_t own = shim_tls.slot && !shim_tls.ended && shim_tls.epoch == state->epoch;
    bool is_main = shim_own_tid() == state->pid;
    return !is_main || ledger_live(state) > own;
}

void grace_pause(uint64_t us)
{
    uint64_t until = shim_clock_ns(CLOCK_MONOTONIC) + us * 1000;
    if (shim_config.sandboxed) {
        while (shim_clock_ns(CLOCK_MONOTONIC) < until)
            ;
        return;
    }
    struct timespec rest = {(time_t)(us / 1000000), (long)(us % 1000000 * 1000)};
    while (SYS2(nanosleep, &rest, &rest) == -EINTR)
        ;
}

bool grace_step(struct grace *grace)
{
    uint64_t step = grace->next_us < grace->left_us ? grace->next_us : grace->left_us;
    if (step == 0)
        return false;
    grace_pause(step);
    grace->left_us -= step;
    grace->spent_us += step;
    grace->next_us = grace->next_us * 2 < 100000 ? grace->next_us * 2 : 100000;
    return true;
}

#define REPORT_PAUSE_US 200
#define REPORT_TO_SIGNAL_US 20000
#define SANDBOX_REPORT_US 1000000

/* In a sandbox a handler can leave the report by a jump, and then it is never complete. */
void grace_abort(const struct shim_state *state)
{
    int32_t by = atomic_load(&state->header->abort.tid);
    if (!by || by == shim_own_tid())
        return;
    uint64_t left = shim_config.sandboxed ? SANDBOX_REPORT_US : UINT64_MAX;
    for (; atomic_load(&state->aborting) && left >= REPORT_PAUSE_US; left -= REPORT_PAUSE_US)
        grace_pause(REPORT_PAUSE_US);
    grace_pause(REPORT_TO_SIGNAL_US);
}

/* Only from a judged end on: before, a signal handler of the program can wake a thread. */
static bool is_quiet(const struct shim_state *state, struct quiet *quiet)
{
    return atomic_load(&state->parking) && quiet_for_ever(quiet, state);
}

void grace_wait(const struct shim_state *state)
{
    const struct leak_scope scope = {.kinds = shim_config.options.report};
    struct grace grace = grace_of(&shim_config.options);
    struct quiet quiet = {0};
    while (grace.left_us && leak_count(state, &scope) && grace_others_run(state) && !is_quiet(state, &quiet))
        grace_step(&grace);
}
