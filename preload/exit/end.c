#include "preload/exit/end.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "preload/exit/begin.h"
#include "preload/exit/dispositions.h"
#include "preload/exit/park.h"
#include "preload/exit/reporter.h"
#include "preload/exit/steps.h"
#include "preload/exit/streams.h"
#include "preload/ledger/leak.h"
#include "preload/ledger/lost.h"
#include "preload/ledger/namespace.h"
#include "preload/shim/hook.h"
#include "preload/shim/real.h"
#include "preload/shim/run_ask.h"
#include "preload/shim/say.h"
#include "preload/shim/stack_room.h"
#include "preload/shim/sys.h"
#include "preload/shim/tasks.h"
#include "common/run_protocol.h"

static bool has_leaks(const struct shim_state *state, unsigned kinds)
{
    return leak_count(state, &(struct leak_scope){.kinds = kinds}) > 0;
}

/* ---- which thread ends the process ----------------------------------------------- */

#define UNDOING 0xffu /* in place of an enum ledger_end */

static uint64_t end_ticket(enum ledger_end how)
{
    return (uint64_t)shim_own_tid() << 8 | (uint64_t)how;
}

/* Only the first end reports. An exit has priority over an exec, because an exec can fail. */
static bool take_end(struct shim_state *state, enum ledger_end how)
{
    uint64_t mine = end_ticket(how), seen = 0;
    while (!atomic_compare_exchange_strong(&state->ending, &seen, mine)) {
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

/* ---- records ------------------------------------------------------------------------ */

/* An exec never replaces an exit that another thread recorded meanwhile. */
static void record_exec(struct ledger_header *header, bool judged)
{
    uint32_t none = LEDGER_END_NONE;
    if (judged)
        atomic_store(&header->end_judged, true);
    atomic_compare_exchange_strong(&header->end, &none, LEDGER_END_EXEC);
}

static void record_exit(struct ledger_header *header, enum ledger_end how, int status, bool judged)
{
    atomic_store(&header->end_status, status);
    atomic_store(&header->end_judged, judged);
    atomic_store_explicit(&header->end, how, memory_order_release);
}

/* ---- under `threadleak run` ------------------------------------------------------------ */

/* For a process that changed its user or root, so that the reporter would lack access. */
static bool ask_run(void)
{
    long dumpable = reporter_allow();
    bool done = run_ask(LEDGER_RUN_STACKS, NULL);
    reporter_disallow(dumpable);
    return done;
}

static bool keep_stacks(void)
{
    bool can = !shim_config.no_reporter && !shim_config.sandboxed;
    return can && (reporter_run("save") == REPORTER_NO_LEAKS || ask_run());
}

void end_save(struct shim_state *state)
{
    uint32_t why_not = LEDGER_UNSEEN;
    if (!shim_config.sandboxed)
        final_sample(state);
    if (!shim_config.options.stacks || !has_leaks(state, KIND_ALL) || keep_stacks() ||
        !has_leaks(state, KIND_RUNNING | KIND_DETACHED))
        return;
    if (shim_config.no_reporter)
        why_not |= LEDGER_UNSEEN_VALGRIND;
    else if (shim_config.sandboxed)
        why_not |= LEDGER_UNSEEN_SANDBOX;
    atomic_fetch_or(&state->header->flags, why_not);
}

/* A process without leaks can have threads whose creation was not seen. */
static void record_untracked(struct shim_state *state)
{
    if (!(atomic_load(&state->header->flags) & LEDGER_UNDER_RUN) || shim_count_tasks() < 2)
        return;
    final_sample(state);
    if (shim_config.options.stacks && atomic_load(&state->header->untracked_count))
        keep_stacks();
}

/* ---- reports ------------------------------------------------------------------------------ */

static int report_here(int status)
{
    enum reporter_verdict verdict = reporter_explain("exit", shim_config.options.report);
    return verdict == REPORTER_LEAKS && status == 0 ? shim_config.options.exitcode : status;
}

static int report(struct shim_state *state, int status)
{
    if (atomic_load(&state->header->flags) & LEDGER_UNDER_RUN) {
        end_save(state);
        return status;
    }
    return has_leaks(state, shim_config.options.report) ? report_here(status) : status;
}

/* From here on the program must not act, unless its exec fails. */
static void freeze(struct shim_state *state, enum ledger_end how, int status)
{
    begin_record(state, how, status);
    if (how == LEDGER_END_EXIT && !shim_config.sandboxed)
        streams_flush();
    park_begin(state);
}

static bool is_judged(const struct shim_state *state, enum ledger_end how)
{
    unsigned judge = shim_config.options.judge;
    if (judge & 1u << how)
        return true;
    return how == LEDGER_END__EXIT && judge & 1u << LEDGER_END_EXIT && has_leaks(state, KIND_ALL) &&
           begin_is_of_exit(state);
}

static int judge(struct shim_state *state, enum ledger_end how, int status, bool judged)
{
    struct ledger_header *header = state->header;
    /* The sample is taken before the grace period, so that ages do not include it. */
    uint64_t began = shim_clock_ns(CLOCK_MONOTONIC);

    begin_record_thread(state);
    if (judged && how != LEDGER_END_EXEC && has_leaks(state, KIND_ALL))
        freeze(state, how, status);
    if (judged)
        grace_wait(state);
    atomic_store(&header->end_ns, began);
    if (how == LEDGER_END_EXEC)
        record_exec(header, judged);
    else
        record_exit(header, how, status, judged);
    if (judged && !has_leaks(state, KIND_ALL))
        record_untracked(state);
    return judged && has_leaks(state, KIND_ALL) ? report(state, status) : status;
}

/* Without the shim, a flush by exit() would have raised it. */
static void leave_by_signal(int number)
{
    uint64_t none = 0;
    if (!number)
        return;
    real_act_as_default(number);
    SYS4(rt_sigprocmask, SIG_SETMASK, &none, NULL, KERNEL_SIGSET_SIZE);
}

/* Threads that are stopped or parked can hold locks that exit() takes. */
static void leave_if_parked(const struct shim_state *state, int status)
{
    if (!atomic_load(&state->parked) || !atomic_load(&state->parking))
        return;
    streams_flush_rest();
    SYS1(exit_group, status);
}

struct ending {
    struct shim_state *state;
    enum ledger_end how;
    int status;
    bool judged;
};

static void end_now(void *arg)
{
    struct ending *ending = arg;
    namespace_note(ending->state);
    ending->status = judge(ending->state, ending->how, ending->status, ending->judged);
    leave_by_signal(streams_signal());
    if (ending->how == LEDGER_END_EXIT)
        leave_if_parked(ending->state, ending->status);
}

static struct shim_state *(*find_state)(void) = shim_own;

/* What the program has printed is flushed on that stack, which a cancelled thread could not leave. */
static bool on_large_stack(struct ending *ending)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    bool done = stack_with_room(end_now, ending);
    pthread_setcancelstate(before, NULL);
    return done;
}

int end_process(enum ledger_end how, int status)
{
    IN_HOOK(how == LEDGER_END_EXEC ? shim_own : find_state);
    if (hook.state)
        grace_abort(hook.state);
    bool taken = hook.state && take_end(hook.state, how);
    struct ending ending = {hook.state, how, status, false};
    if ((taken || !hook.state) && how != LEDGER_END_EXEC && shim_config.options.judge & 1u << how)
        lost_say();
    if (taken) { /* both read the stack of this thread */
        ending.judged = is_judged(hook.state, how);
        if (how != LEDGER_END_EXEC && begin_is_of_abort(hook.state))
            atomic_store(&hook.state->header->abort.ended, 1);
    }
    /* Its stack is also for handlers, and for the write functions of fopencookie(). */
    bool threads = taken && atomic_load(&hook.state->signal_armed);
    if (taken && !(threads && on_large_stack(&ending)))
        end_now(&ending);
    return ending.status;
}

static void undo_exec(struct shim_state *state)
{
    uint64_t mine = end_ticket(LEDGER_END_EXEC), undoing = (mine & ~0xffull) | UNDOING;
    if (!atomic_compare_exchange_strong(&state->ending, &mine, undoing))
        return; /* another thread's exec, or an exit replaced it */
    atomic_store(&state->header->end, LEDGER_END_NONE);
    atomic_store(&state->header->end_judged, 0);
    atomic_store(&state->header->end_serial, 0);
    atomic_store(&state->header->end_tid, 0);
    atomic_store(&state->ending, 0);
}

void end_undo_exec(void)
{
    IN_HOOK(shim_own);
    if (hook.state)
        undo_exec(hook.state);
}

/* ---- exit handlers -------------------------------------------------------------------------- */

#ifdef __GLIBC__
static void on_process_exit(int status, void *arg)
{
    (void)arg;
    int wanted = end_process(LEDGER_END_EXIT, status);
    /* No handler runs after this one: exit() in it flushes stdio and ends the process. */
    if (wanted != status)
        REAL(exit)(wanted);
}

/* This is before libc registers the loader's handler. exit() calls handlers in reverse order, so these
 * run after all destructors and handlers of the program. */
static void register_end(void)
{
    if (on_exit(on_process_exit, NULL) != 0)
        shim_say("the end of this process is not seen: no memory for on_exit(); it gets no report");
}
#else
/* musl has no on_exit(), and calls destructors after all handlers. Those of the library that was constructed
 * first come last. exit() must not be called again in one. */
__attribute__((destructor)) static void on_process_exit(void)
{
    int status = begin_exit_status(), wanted = end_process(LEDGER_END_EXIT, status);
    if (wanted == status)
        return;
    streams_flush();
    SYS1(exit_group, wanted);
}

static void register_end(void)
{
}
#endif

static void on_quick_exit(void)
{
    struct shim_state *state = shim_state;
    int status = state ? atomic_load(&state->quick_status) : 0;
    int wanted = end_process(LEDGER_END_QUICK_EXIT, status);
    if (wanted != status)
        SYS1(exit_group, wanted);
}

/* LeakSanitizer ends the process in the middle of exit(). Other reports of a sanitizer are crashes. */
static void on_death(void)
{
    struct shim_state *state = shim_own();
    if (state && begin_is_of_exit(state))
        end_process(LEDGER_END__EXIT, LEDGER_STATUS_UNKNOWN);
}

/* These are weak symbols, because a failed dlsym allocates memory. */
void __sanitizer_set_death_callback(void (*on_death)(void)) __attribute__((weak, visibility("default")));
void __lsan_do_leak_check(void) __attribute__((weak, visibility("default")));
void __tsan_init(void) __attribute__((weak, visibility("default")));
void __msan_init(void) __attribute__((weak, visibility("default")));

void end_start(struct shim_state *(*find)(void))
{
    find_state = find;
    /* The program's own one replaces it, if it sets one. */
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(on_death);
    /* LeakSanitizer's check, and the handlers by which ThreadSanitizer and MemorySanitizer print what they
     * found and set the exit status, can run after ours. */
    shim_config.sanitizer = __lsan_do_leak_check || __tsan_init || __msan_init;
    register_end();
    (void)at_quick_exit(on_quick_exit);
}
