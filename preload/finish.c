/* See guard.h for the rules of code in this folder. */
#include "finish.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guard.h"
#include "last_look.h"
#include "ledger_write.h"
#include "raw_report.h"
#include "reporter.h"
#include "sys.h"

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* ---- what is left ---------------------------------------------------------------- */

unsigned slot_kind(const struct shim_state *state, const struct ledger_slot *slot)
{
    uint64_t serial = atomic_load(&slot->serial);
    uint32_t bits = atomic_load(&slot->state);
    if (serial == 0 || serial == atomic_load(&state->header->end_serial) || (bits & SLOT_JOINED))
        return 0;
    if (!(bits & SLOT_ENDED))
        return bits & SLOT_DETACHED ? KIND_DETACHED : KIND_RUNNING;
    return bits & SLOT_DETACHED ? 0 : KIND_UNJOINED;
}

static bool anything_left(const struct shim_state *state, unsigned kinds)
{
    uint32_t used = atomic_load(&state->header->slots_used);
    for (uint32_t i = 0; i < used; i++)
        if (slot_kind(state, &state->slots[i]) & kinds)
            return true;
    return false;
}

/* Is there another thread that could still join or end something? */
static bool others_run(const struct shim_state *state)
{
    int64_t own = shim_tls.slot && shim_tls.epoch == state->epoch;
    bool is_main = shim_own_tid() == state->pid;
    return !is_main || ledger_live(state->header) > own;
}

static void pause_us(unsigned us)
{
    uint64_t until = now_ns() + us * 1000ull;
    if (shim_config.sandboxed) {
        while (now_ns() < until)
            ;
        return;
    }
    struct timespec rest = {us / 1000000, us % 1000000 * 1000};
    SYS2(nanosleep, &rest, NULL);
}

/* goleak's schedule: 20 re-checks, 1 µs doubling to 100 ms, and no longer than asked. */
static void wait_for_stragglers(const struct shim_state *state)
{
    unsigned kinds = shim_config.options.report;
    uint64_t budget = shim_config.options.grace_ms * 1000ull;
    uint64_t pause = 1;
    while (budget > 0 && anything_left(state, kinds) && others_run(state)) {
        uint64_t step = pause < budget ? pause : budget;
        pause_us((unsigned)step);
        budget -= step;
        pause = pause * 2 < 100000 ? pause * 2 : 100000;
    }
}

/* ---- ends ------------------------------------------------------------------------------ */

static int explain_end(struct shim_state *state, int status)
{
    int verdict = shim_config.sandboxed ? REPORTER_FAILED : reporter_run("exit");
    if (verdict == REPORTER_FAILED) {
        raw_report_write(state, shim_config.options.report);
        verdict = REPORTER_LEAKS;
    }
    if (verdict == REPORTER_LEAKS && status == 0)
        return shim_config.options.exitcode;
    return status;
}

int finish_process(enum ledger_end how, int status)
{
    struct shim_state *state = shim_state;
    if (!state || atomic_load(&state->ready) != SHIM_READY || !shim_is_own_process(state))
        return status;
    if (atomic_exchange(&state->finishing, 1))
        return status; /* whoever came first reports */

    struct guard guard = guard_enter();
    struct ledger_header *header = state->header;
    const struct options *options = &shim_config.options;
    bool judged = options->judge & 1u << how;

    /* Also when its slot is gone: the last thread runs exit() after its own end. */
    atomic_store(&header->end_tid, shim_own_tid());
    if (shim_tls.epoch == state->epoch)
        atomic_store(&header->end_serial, shim_tls.serial);
    if (judged)
        wait_for_stragglers(state);
    atomic_store(&header->end_status, status);
    atomic_store(&header->end_ns, now_ns());
    atomic_store(&header->end_judged, judged);
    atomic_store_explicit(&header->end, how, memory_order_release);
    if (judged && anything_left(state, KIND_ALL)) {
        if (atomic_load(&header->flags) & LEDGER_UNDER_RUN) {
            if (!shim_config.sandboxed)
                last_look(state);
        } else if (anything_left(state, options->report))
            status = explain_end(state, status);
    }
    guard_leave(guard);
    return status;
}

void finish_undo(void)
{
    struct shim_state *state = shim_state;
    if (!state || atomic_load(&state->ready) != SHIM_READY || !shim_is_own_process(state))
        return;
    atomic_store(&state->header->end, LEDGER_END_NONE);
    atomic_store(&state->header->end_judged, 0);
    atomic_store(&state->header->end_serial, 0);
    atomic_store(&state->finishing, 0);
}

static void on_process_exit(int status, void *arg)
{
    (void)arg;
    int wanted = finish_process(LEDGER_END_EXIT, status);
    /* The last handler of all: exit() within it goes on to flush and end. */
    if (wanted != status)
        exit(wanted);
}

static void on_quick_exit(void)
{
    struct shim_state *state = shim_state;
    int status = state ? atomic_load(&state->quick_status) : 0;
    int wanted = finish_process(LEDGER_END_QUICK_EXIT, status);
    if (wanted != status)
        SYS1(exit_group, wanted);
}

void finish_start(void)
{
    /* Registered before libc registers the loader's own, and run in reverse
     * order: after every destructor and every handler of the program. */
    on_exit(on_process_exit, NULL);
    (void)at_quick_exit(on_quick_exit);
}

/* ---- the dump signal ---------------------------------------------------------------------- */

static void on_dump_signal(int signal)
{
    struct shim_state *state = shim_state;
    (void)signal;
    if (!state || atomic_load(&state->ready) != SHIM_READY || !shim_is_own_process(state))
        return;
    if (atomic_load(&state->finishing) || atomic_exchange(&state->dumping, 1))
        return;
    struct guard guard = guard_enter();
    if (shim_config.sandboxed || reporter_run("dump") == REPORTER_FAILED)
        raw_report_write(state, KIND_ALL);
    atomic_store(&state->dumping, 0);
    guard_leave(guard);
}

void finish_arm_signal(struct shim_state *state)
{
    int number = shim_config.options.signal;
    struct sigaction action;

    if (atomic_exchange(&state->signal_armed, 1) || number == 0)
        return;
    if (sigaction(number, NULL, &action) != 0 || action.sa_flags & SA_SIGINFO || action.sa_handler != SIG_DFL)
        return;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_dump_signal;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}
