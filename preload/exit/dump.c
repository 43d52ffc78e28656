#include "preload/exit/dump.h"

#include <signal.h>
#include <string.h>

#include "preload/exit/dispositions.h"
#include "preload/exit/reporter.h"
#include "preload/shim/hook.h"
#include "preload/shim/on_stack.h"
#include "preload/shim/real.h"
#include "preload/shim/sys.h"

static void on_dump_signal(int signal);

/* Otherwise the handler of the program would get our signal. */
static bool has_dump_handler(int signal)
{
    struct sigaction action = {0};
    return REAL(sigaction)(signal, NULL, &action) == 0 && action.sa_handler == on_dump_signal;
}

struct dump {
    struct shim_state *state;
    int signal;
};

static void report(void *arg)
{
    const struct dump *dump = arg;
    struct shim_state *state = dump->state;
    reporter_explain("dump", KIND_ALL);
    /* Signals that came during the report get one more report, which does not begin at once: the program must
     * have time to work. */
    if (atomic_exchange(&state->dumping, 0) > 1 && !shim_config.sandboxed && has_dump_handler(dump->signal))
        SYS2(kill, state->pid, dump->signal);
}

/* When it returns from the other stack, an asynchronous cancellation can act. */
static void dump(struct shim_state *state, int signal)
{
    on_new_stack(report, &(struct dump){state, signal});
}

static void on_dump_signal(int signal)
{
    IN_HOOK(shim_own);
    struct shim_state *state = hook.state;
    if (!state) /* a child of vfork, or one that a system call forked */
        real_act_as_default(signal);
    else if (!atomic_load(&state->ending) && atomic_fetch_add(&state->dumping, 1) == 0)
        dump(state, signal);
}

static void install(struct shim_state *state, int number)
{
    struct sigaction action = {0};
    atomic_store(&state->header->dump_signal, 0);
    if (number == 0 || REAL(sigaction)(number, NULL, &action) != 0 || action.sa_flags & SA_SIGINFO ||
        action.sa_handler != SIG_DFL)
        return;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_dump_signal;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    shim_config.dump_signal = number;
    if (REAL(sigaction)(number, &action, NULL) == 0)
        atomic_store(&state->header->dump_signal, (uint32_t)number);
}

bool dump_arm(struct shim_state *state)
{
    if (atomic_exchange(&state->signal_armed, 1))
        return false;
    install(state, shim_config.options.signal);
    return true;
}

bool dump_is_handler(void (*handler)(int))
{
    return handler == on_dump_signal;
}

void dump_after_change(int number)
{
    struct shim_state *state = number == shim_config.dump_signal && number ? shim_own() : NULL;
    if (state && atomic_load(&state->signal_armed))
        install(state, number);
}

void dump_in_child(void)
{
    const struct sigaction action = {.sa_handler = SIG_DFL};
    /* A filter can end the program for this. Then the handler stays, and acts as the default. */
    if (shim_config.dump_signal && shim_config.sandboxed != SANDBOX_SURE &&
        has_dump_handler(shim_config.dump_signal))
        REAL(sigaction)(shim_config.dump_signal, &action, NULL);
    shim_config.dump_signal = 0;
}
