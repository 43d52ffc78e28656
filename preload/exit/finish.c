/* See guard.h for the rules of code in this folder. */
#include "preload/exit/finish.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "preload/shim/guard.h"
#include "preload/exit/last_look.h"
#include "preload/ledger/write.h"
#include "preload/exit/raw_report.h"
#include "preload/hooks/real.h"
#include "preload/exit/reporter.h"
#include "preload/exit/run_ask.h"
#include "preload/shim/sys.h"

#define KERNEL_SIGSET_SIZE 8

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
    if (serial == 0 || serial == atomic_load(&state->header->end_serial) ||
        bits & (SLOT_JOINED | SLOT_IGNORED))
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
bool finish_others_run(const struct shim_state *state)
{
    int64_t own = shim_tls.slot && !shim_tls.ended && shim_tls.epoch == state->epoch;
    bool is_main = shim_own_tid() == state->pid;
    return !is_main || ledger_live(state->header) > own;
}

void finish_pause_us(unsigned us)
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
    while (budget > 0 && anything_left(state, kinds) && finish_others_run(state)) {
        uint64_t step = pause < budget ? pause : budget;
        finish_pause_us((unsigned)step);
        budget -= step;
        pause = pause * 2 < 100000 ? pause * 2 : 100000;
    }
}

/* ---- ends ------------------------------------------------------------------------------ */

static enum reporter_verdict explain(const char *mode)
{
    bool to_stderr = strcmp(shim_config.options.log_path, "stderr") == 0;
    if (to_stderr && !shim_stderr_is_safe())
        return REPORTER_NO_LEAKS; /* there is nobody to tell */
    return shim_config.sandboxed || shim_config.no_reporter ? REPORTER_FAILED : reporter_run(mode);
}

static int explain_end(struct shim_state *state, int status)
{
    int verdict = explain("exit");
    if (verdict == REPORTER_FAILED) {
        raw_report_write(state, shim_config.options.report);
        verdict = REPORTER_LEAKS;
    }
    if (verdict == REPORTER_LEAKS && status == 0)
        return shim_config.options.exitcode;
    return status;
}

/* state->finishing: which thread ends the process, and how. */
#define UNDOING 0xffu
static uint64_t end_ticket(enum ledger_end how)
{
    return (uint64_t)shim_own_tid() << 8 | (uint64_t)how;
}

/* Whoever comes first reports; but an exec may yet fail, so an exit goes before it. */
static bool take_end(struct shim_state *state, enum ledger_end how)
{
    uint64_t mine = end_ticket(how), seen = 0;
    while (!atomic_compare_exchange_strong(&state->finishing, &seen, mine)) {
        unsigned other = seen & 0xff;
        if (how == LEDGER_END_EXEC || (other != LEDGER_END_EXEC && other != UNDOING))
            return false;
        if (other == UNDOING && seen >> 8 != mine >> 8) {
            sched_yield();
            seen = 0;
        }
    }
    return true;
}

/* ---- a judged end takes time that the program did not count on ----------------- */

/*
 * The program's globals are gone by now.  Without us the process would end at
 * once; while we wait and report, a thread that still runs may touch what was
 * destroyed, or end the process itself.  It is parked instead: what it would
 * have done it would never have come to do.
 */
static _Noreturn void park(void)
{
    uint64_t all = ~0ull;
    SYS4(rt_sigprocmask, SIG_SETMASK, &all, NULL, KERNEL_SIGSET_SIZE);
    for (;;)
        SYS6(ppoll, NULL, 0, NULL, NULL, 0, 0);
}

static void on_fault(int number)
{
    if (shim_own_tid() != atomic_load(&shim_state->header->end_tid))
        park();
    signal(number, SIG_DFL); /* ours: it happens again, as it should */
}

static void guard_faults(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    struct sigaction action;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        if (sigaction(faults[i], NULL, &action) != 0 || action.sa_flags & SA_SIGINFO ||
            action.sa_handler != SIG_DFL)
            continue;
        memset(&action, 0, sizeof(action));
        action.sa_handler = on_fault;
        action.sa_flags = SA_ONSTACK;
        sigaction(faults[i], &action, NULL);
    }
}

void finish_park_latecomer(void)
{
    struct shim_state *state = shim_known();
    if (!state || shim_config.sandboxed || !atomic_load(&state->parking) || !shim_is_own_process(state))
        return;
    if (shim_own_tid() != atomic_load(&state->header->end_tid))
        park();
}

/* Nobody but us ends the process now; signals wait, but for our own faults. */
static uint64_t hold_others(struct shim_state *state)
{
    uint64_t before = 0, held = ~0ull;
    if (shim_config.sandboxed)
        return 0;
    static const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        held &= ~(1ull << (own[i] - 1));
    SYS4(rt_sigprocmask, SIG_SETMASK, &held, &before, KERNEL_SIGSET_SIZE);
    guard_faults();
    atomic_store(&state->parking, 1);
    return before;
}

static void release_signals(uint64_t before)
{
    if (!shim_config.sandboxed)
        SYS4(rt_sigprocmask, SIG_SETMASK, &before, NULL, KERNEL_SIGSET_SIZE);
}

/* began: before the grace, so that ages are the program's own. */
static void record_end(struct shim_state *state, enum ledger_end how, int status, bool judged, uint64_t began)
{
    struct ledger_header *header = state->header;
    uint32_t none = LEDGER_END_NONE;
    atomic_store(&header->end_ns, began);
    if (how == LEDGER_END_EXEC) { /* never over an exit that came in between */
        if (judged)
            atomic_store(&header->end_judged, true);
        atomic_compare_exchange_strong(&header->end, &none, how);
        return;
    }
    atomic_store(&header->end_status, status);
    atomic_store(&header->end_judged, judged);
    atomic_store_explicit(&header->end, how, memory_order_release);
}

/* Its user or root is another by now than the reporter needs. */
static bool ask_to_keep(void)
{
    long dumpable = SYS1(prctl, PR_GET_DUMPABLE);
    if (dumpable != 1)
        SYS2(prctl, PR_SET_DUMPABLE, 1);
    SYS2(prctl, PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    bool done = run_ask(LEDGER_RUN_STACKS, NULL);
    SYS2(prctl, PR_SET_PTRACER, 0);
    if (dumpable != 1)
        SYS2(prctl, PR_SET_DUMPABLE, dumpable);
    return done;
}

/* Under `threadleak run`, which reports when all is over: where the threads are now. */
static void keep_stacks(const struct shim_state *state)
{
    bool wanted = shim_config.options.stacks &&
                  anything_left(state, shim_config.options.report & (KIND_RUNNING | KIND_DETACHED));
    uint32_t why_not = LEDGER_UNSEEN;
    if (shim_config.no_reporter)
        why_not |= LEDGER_UNSEEN_VALGRIND;
    else if (shim_config.sandboxed)
        why_not |= LEDGER_UNSEEN_SANDBOX;
    bool can = why_not == LEDGER_UNSEEN;
    if (wanted && !(can && (reporter_run("keep") == REPORTER_NO_LEAKS || ask_to_keep())))
        atomic_fetch_or(&state->header->flags, why_not);
}

static int report_end(struct shim_state *state, int status)
{
    if (atomic_load(&state->header->flags) & LEDGER_UNDER_RUN) {
        if (!shim_config.sandboxed)
            last_look(state);
        keep_stacks(state);
        return status;
    }
    return anything_left(state, shim_config.options.report) ? explain_end(state, status) : status;
}

int finish_process(enum ledger_end how, int status)
{
    struct shim_state *state = shim_state;
    if (!state || atomic_load(&state->ready) != SHIM_READY || !shim_is_own_process(state))
        return status;
    if (!take_end(state, how))
        return status;

    struct guard guard = guard_enter();
    bool judged = shim_config.options.judge & 1u << how;
    uint64_t began = now_ns();

    /* Also when its slot is gone: the last thread runs exit() after its own end. */
    atomic_store(&state->header->end_tid, shim_own_tid());
    if (shim_tls.epoch == state->epoch)
        atomic_store(&state->header->end_serial, shim_tls.serial);
    /* An exec may fail, and then all goes on. */
    bool last = judged && how != LEDGER_END_EXEC && anything_left(state, KIND_ALL);
    uint64_t mask = last ? hold_others(state) : 0;
    if (judged)
        wait_for_stragglers(state);
    record_end(state, how, status, judged, began);
    if (judged && anything_left(state, KIND_ALL))
        status = report_end(state, status);
    if (last)
        release_signals(mask);
    guard_leave(guard);
    return status;
}

void finish_undo_exec(void)
{
    struct shim_state *state = shim_state;
    if (!state || atomic_load(&state->ready) != SHIM_READY || !shim_is_own_process(state))
        return;
    uint64_t mine = end_ticket(LEDGER_END_EXEC), undoing = (mine & ~0xffull) | UNDOING;
    if (!atomic_compare_exchange_strong(&state->finishing, &mine, undoing))
        return; /* not ours, or an exit took over */
    atomic_store(&state->header->end, LEDGER_END_NONE);
    atomic_store(&state->header->end_judged, 0);
    atomic_store(&state->header->end_serial, 0);
    atomic_store(&state->header->end_tid, 0);
    atomic_store(&state->finishing, 0);
}

static void on_process_exit(int status, void *arg)
{
    (void)arg;
    int wanted = finish_process(LEDGER_END_EXIT, status);
    /* The last handler of all: exit() within it goes on to flush and end. */
    if (wanted != status)
        real.exit(wanted);
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

static void on_dump_signal(int signal);

/* The program may have taken the signal meanwhile, and would get it from us. */
static bool has_dump_handler(int signal)
{
    struct sigaction action;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == on_dump_signal;
}

static void on_dump_signal(int signal)
{
    struct shim_state *state = shim_state;
    if (!state || atomic_load(&state->ready) != SHIM_READY || !shim_is_own_process(state))
        return;
    if (atomic_load(&state->finishing) || atomic_fetch_add(&state->dumping, 1))
        return;
    struct guard guard = guard_enter();
    if (explain("dump") == REPORTER_FAILED)
        raw_report_write(state, KIND_ALL);
    /* Whoever asked meanwhile, from another thread, gets one more: by another thread, or
     * this one after it has got on with its work. */
    if (atomic_exchange(&state->dumping, 0) > 1 && !shim_config.sandboxed && has_dump_handler(signal))
        SYS2(kill, state->pid, signal);
    guard_leave(guard);
}

bool finish_arm_signal(struct shim_state *state)
{
    int number = shim_config.options.signal;
    struct sigaction action;

    if (atomic_exchange(&state->signal_armed, 1))
        return false;
    if (number == 0 || sigaction(number, NULL, &action) != 0 || action.sa_flags & SA_SIGINFO ||
        action.sa_handler != SIG_DFL)
        return true;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_dump_signal;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
    return true;
}
