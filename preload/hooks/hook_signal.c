/* The hooks for changes of a signal's disposition: signal_capture.c must know when the program
 * takes the reserved signal. */
#include <signal.h>
#include <string.h>

#include "preload/backtrace/signal_capture.h"
#include "preload/shim/guard.h"
#include "preload/shim/real.h"

typedef int sigaction_fn(int, const struct sigaction *, struct sigaction *);

static int change(sigaction_fn *real_sigaction, int number, const struct sigaction *action,
                  struct sigaction *old)
{
    if (action)
        signal_capture_before_change(number);
    int result = real_sigaction(number, action, old);
    if (result != 0 || action) {
        int saved_errno = errno;
        signal_capture_after_change(number);
        errno = saved_errno;
    }
    if (result == 0 && old && signal_capture_is_handler(old->sa_handler)) {
        memset(old, 0, sizeof(*old));
        old->sa_handler = SIG_DFL;
    }
    return result;
}

EXPORT int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    real_resolve_early();
    return change(real.sigaction, number, action, old);
}

sigaction_fn __sigaction;
EXPORT int __sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    real_resolve_early();
    return change(real.__sigaction, number, action, old);
}

static sighandler_t hide(sighandler_t old)
{
    return signal_capture_is_handler(old) ? SIG_DFL : old;
}

#define CHANGE(type, call)                    \
    do {                                      \
        real_resolve_early();                 \
        signal_capture_before_change(number); \
        type result = (call);                 \
        int saved_errno = errno;              \
        signal_capture_after_change(number);  \
        errno = saved_errno;                  \
        return result;                        \
    } while (0)

/* All variants that glibc exports. With _XOPEN_SOURCE `signal` is the last one. */
#define SIGNAL(name)                                            \
    sighandler_t name(int number, sighandler_t handler);        \
    EXPORT sighandler_t name(int number, sighandler_t handler)  \
    {                                                           \
        CHANGE(sighandler_t, hide(real.name(number, handler))); \
    }
SIGNAL(signal)
SIGNAL(ssignal)
SIGNAL(bsd_signal)
SIGNAL(sigset)
SIGNAL(sysv_signal)
SIGNAL(__sysv_signal)

EXPORT int sigignore(int number)
{
    CHANGE(int, real.sigignore(number));
}
