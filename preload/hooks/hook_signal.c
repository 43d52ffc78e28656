/* The hooks for changes of a signal's disposition. The program must not see handlers of the shim, and must
 * not undo what holds from a judged end on. */
#include <signal.h>
#include <string.h>

#include "preload/backtrace/signal_capture.h"
#include "preload/exit/dispositions.h"
#include "preload/exit/dump.h"
#include "preload/exit/park.h"
#include "preload/shim/guard.h"
#include "preload/shim/real.h"

static bool is_ours(void (*handler)(int))
{
    return signal_capture_is_handler(handler) || dump_is_handler(handler);
}

static void before_change(int number)
{
    signal_capture_before_change(number);
}

static void after_change(int number)
{
    int saved_errno = errno;
    signal_capture_after_change(number);
    dump_after_change(number);
    if (disposition_is_replaced(number)) /* the end began meanwhile */
        disposition_replace_again(number);
    errno = saved_errno;
}

typedef int sigaction_fn(int, const struct sigaction *, struct sigaction *);

static void hide(struct sigaction *old)
{
    if (!is_ours(old->sa_handler))
        return;
    memset(old, 0, sizeof(*old));
    old->sa_handler = SIG_DFL;
}

static int change(sigaction_fn *real_sigaction, int number, const struct sigaction *action,
                  struct sigaction *old)
{
    int result = 0;
    if (disposition_is_replaced(number)) {
        disposition_change(number, action, old);
    } else {
        if (action)
            before_change(number);
        result = real_sigaction(number, action, old);
        if (result != 0 || action)
            after_change(number);
    }
    if (result == 0 && old)
        hide(old);
    return result;
}

EXPORT int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    return change(REAL(sigaction), number, action, old);
}

sigaction_fn __sigaction;
EXPORT int __sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    return change(REAL(__sigaction), number, action, old);
}

/* ---- the older functions -------------------------------------------------------------- */

/* From a judged end on. No handler runs any more, so flags and mask do not matter. */
static sighandler_t change_handler(int number, sighandler_t handler)
{
    struct sigaction action = {.sa_handler = handler}, old;
    disposition_change(number, &action, &old);
    return is_ours(old.sa_handler) ? SIG_DFL : old.sa_handler;
}

static sighandler_t after_handler(int number, sighandler_t old)
{
    after_change(number);
    return is_ours(old) ? SIG_DFL : old;
}

/* All variants that glibc exports. With _XOPEN_SOURCE `signal` is the last one. */
#define SIGNAL(name)                                               \
    sighandler_t name(int number, sighandler_t handler);           \
    EXPORT sighandler_t name(int number, sighandler_t handler)     \
    {                                                              \
        if (disposition_is_replaced(number))                       \
            return change_handler(number, handler);                \
        before_change(number);                                     \
        return after_handler(number, REAL(name)(number, handler)); \
    }
SIGNAL(signal)
SIGNAL(ssignal)
SIGNAL(bsd_signal)
SIGNAL(sigset)
SIGNAL(sysv_signal)
SIGNAL(__sysv_signal)

EXPORT int sigignore(int number)
{
    if (disposition_is_replaced(number)) {
        change_handler(number, SIG_IGN);
        return 0;
    }
    before_change(number);
    int result = REAL(sigignore)(number);
    after_change(number);
    return result;
}

EXPORT int siginterrupt(int number, int interrupt)
{
    if (disposition_is_replaced(number))
        return 0;
    return REAL(siginterrupt)(number, interrupt);
}

/* ---- waits for a signal ----------------------------------------------------------------- */

/* A signal that the kernel ignores is still delivered to such a wait. From a judged end on, the thread
 * sleeps. */
static int waited(int result, bool received)
{
    if (received)
        park_latecomer();
    return result;
}

EXPORT int sigwait(const sigset_t *set, int *number)
{
    int result = REAL(sigwait)(set, number);
    return waited(result, result == 0);
}

EXPORT int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    int result = REAL(sigwaitinfo)(set, info);
    return waited(result, result > 0);
}

EXPORT int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    int result = REAL(sigtimedwait)(set, info, timeout);
    return waited(result, result > 0);
}
