#include "preload/exit/dump.h"

#include <signal.h>
#include <string.h>

#include "preload/exit/raw_report.h"
#include "preload/exit/reporter.h"
#include "preload/shim/guard.h"
#include "preload/shim/real.h"
#include "preload/shim/sys.h"

static void on_dump_signal(int signal);

/* Otherwise the handler of the program would get our signal. */
static bool has_dump_handler(int signal)
{
    struct sigaction action;
    return real.sigaction(signal, NULL, &action) == 0 && action.sa_handler == on_dump_signal;
}

static void dump(struct shim_state *state, int signal)
{
    if (reporter_explain("dump") == REPORTER_FAILED)
        raw_report_write(state, &(struct leak_scope){.kinds = KIND_ALL});
    /* Signals that came during the report get one more report, which does not begin at once: the program must
     * have time to work. */
    if (atomic_exchange(&state->dumping, 0) > 1 && !shim_config.sandboxed && has_dump_handler(signal))
        SYS2(kill, state->pid, signal);
}

static void on_dump_signal(int signal)
{
    struct shim_state *state = shim_own();
    if (!state || atomic_load(&state->ending) || atomic_fetch_add(&state->dumping, 1))
        return;
    struct guard guard = guard_enter();
    dump(state, signal);
    guard_leave(guard);
}

bool dump_arm(struct shim_state *state)
{
    int number = shim_config.options.signal;
    struct sigaction action;

    if (atomic_exchange(&state->signal_armed, 1))
        return false;
    if (number == 0 || real.sigaction(number, NULL, &action) != 0 || action.sa_flags & SA_SIGINFO ||
        action.sa_handler != SIG_DFL)
        return true;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_dump_signal;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    real.sigaction(number, &action, NULL);
    return true;
}
