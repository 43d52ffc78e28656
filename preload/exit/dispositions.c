#include "preload/exit/dispositions.h"

#include <string.h>

#include "preload/shim/faults.h"
#include "preload/shim/hold.h"
#include "preload/shim/real.h"
#include "preload/shim/sys.h"

#define SIGNALS 65
#define FIRST_OF_LIBC 32 /* SIGCANCEL and SIGSETXID: pthread_cancel() and setuid() still have to work */
#define LAST_OF_LIBC 33

static struct sigaction of_program[SIGNALS];
static _Atomic uint64_t replaced; /* bit N - 1: signal N */
static _Atomic uint64_t ignored;  /* those of them that are ignored now */
static pid_t replaced_in;
static signal_handler *fault_handler, *cut_handler;

uint64_t dispositions_cutting(void)
{
    return signal_bit(SIGINT) | signal_bit(SIGTERM) | signal_bit(SIGHUP) | signal_bit(SIGQUIT);
}

/* ---- which, and by what ---------------------------------------------------------- */

static bool is_fault(int number)
{
    return !(all_but_faults() & signal_bit(number));
}

static bool has_no_effect(int number)
{
    return number == SIGCHLD || number == SIGURG || number == SIGWINCH || number == SIGCONT;
}

static bool is_replaceable(int number)
{
    return number != SIGKILL && number != SIGSTOP && number != shim_config.capture_signal &&
           (number < FIRST_OF_LIBC || number > LAST_OF_LIBC);
}

/* False: this one stays as the program has set it. */
static bool action_at_end(int number, const struct sigaction *program, struct sigaction *action)
{
    *action = (struct sigaction){.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    memset(&action->sa_mask, 0xff, sizeof(action->sa_mask));
    if (is_fault(number)) {
        action->sa_sigaction = fault_handler;
        return true;
    }
    if (program->sa_handler == SIG_IGN || (has_no_effect(number) && program->sa_handler == SIG_DFL))
        return false;
    if (dispositions_cutting() & signal_bit(number)) {
        action->sa_sigaction = cut_handler;
        return true;
    }
    *action = (struct sigaction){.sa_handler = has_no_effect(number) ? SIG_DFL : SIG_IGN};
    return true;
}

/* ---- replacing --------------------------------------------------------------------- */

/* It may continue after such a fault: some programs protect pages, and wait for the fault. abort() does not
 * return. */
static void note_handler(struct shim_state *state, int number)
{
    if (is_fault(number) && number != SIGABRT && of_program[number].sa_handler != SIG_DFL &&
        of_program[number].sa_handler != SIG_IGN)
        atomic_fetch_or(&state->header->handled_faults, 1u << (number - 1));
}

static void replace(struct shim_state *state, int number)
{
    struct sigaction program, action;
    if (!is_replaceable(number) || real_set_action(number, NULL, &program) != 0 ||
        program.sa_sigaction == fault_handler || program.sa_sigaction == cut_handler ||
        !action_at_end(number, &program, &action))
        return;
    /* The bit is set first: a thread that changes the disposition meanwhile sees it after its change. */
    atomic_fetch_or(&replaced, signal_bit(number));
    if (!(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_IGN)
        atomic_fetch_or(&ignored, signal_bit(number));
    real_set_action(number, &action, &of_program[number]);
    note_handler(state, number);
}

void dispositions_replace(struct shim_state *state, signal_handler *on_fault, signal_handler *on_cut)
{
    fault_handler = on_fault;
    cut_handler = on_cut;
    replaced_in = state->pid;
    for (int number = 1; number < SIGNALS; number++)
        replace(state, number);
}

bool disposition_is_replaced(int number)
{
    return number > 0 && number < SIGNALS && atomic_load(&replaced) & signal_bit(number) &&
           (pid_t)SYS0(getpid) == replaced_in;
}

void disposition_change(int number, const struct sigaction *action, struct sigaction *old)
{
    struct shim_state *state = shim_state;
    struct sigaction wanted = action ? *action : (struct sigaction){0};
    struct hold hold = hold_begin(&state->changing);
    struct sigaction before = of_program[number];
    if (action)
        of_program[number] = wanted;
    hold_end(&hold);
    if (old)
        *old = before;
}

void disposition_replace_again(int number)
{
    replace(shim_state, number);
}

/* ---- children ------------------------------------------------------------------------ */

static void give_back(uint64_t signals)
{
    if ((pid_t)SYS0(getpid) == replaced_in)
        return;
    for (int number = 1; number < SIGNALS; number++)
        if (signals & signal_bit(number))
            real_set_action(number, &of_program[number], NULL);
}

void dispositions_in_child(bool shares_memory)
{
    uint64_t signals = atomic_load(&replaced);
    if (!signals)
        return;
    give_back(signals);
    if (shares_memory)
        return;
    atomic_store(&replaced, 0);
    atomic_store(&ignored, 0);
}

void dispositions_before_exec(void)
{
    if (atomic_load(&replaced))
        give_back(atomic_load(&ignored));
}

sigset_t dispositions_ignored(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (int number = 1; number < SIGNALS; number++)
        if (atomic_load(&ignored) & signal_bit(number))
            sigaddset(&set, number);
    return set;
}
