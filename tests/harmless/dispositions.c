/* What a program sets for its signals: dispositions, handlers, flags. */
#include "harmless.h"

static void note(int number)
{
    happened(number == SIGUSR1 ? '1' : number == SIGUSR2 ? '2' : number == SIGQUIT ? 'q' : 'o');
}

/* A digit for each signal: 0 default, 1 ignored, 2 a handler, x: no answer. */
static const char *dispositions(void)
{
    static char text[65];
    for (int number = 1; number <= 64; number++) {
        struct sigaction action;
        char *out = &text[number - 1];
        if (sigaction(number, NULL, &action) != 0)
            *out = 'x';
        else
            *out = action.sa_handler == SIG_DFL ? '0' : action.sa_handler == SIG_IGN ? '1' : '2';
    }
    return text;
}

/* glibc keeps two to itself. */
#define ALL_DEFAULT                   \
    "0000000000000000000000000000000" \
    "xx"                              \
    "0000000000000000000000000000000"

TEST(signal_dispositions_at_the_start)
{
    text_is("of each signal", dispositions(), ALL_DEFAULT);
    run_thread(nothing, NULL);
    text_is("after a thread", dispositions(), ALL_DEFAULT);
}

static void ask_in_child(void)
{
    text_is("in a child", dispositions(), ALL_DEFAULT);
    run_thread(nothing, NULL);
    text_is("after a thread there", dispositions(), ALL_DEFAULT);
}

TEST(signal_dispositions_in_a_child)
{
    run_thread(nothing, NULL);
    text_is("child", status_of(ask_in_child), "exit 0");
}

TEST(signal_action_is_kept)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART | SA_NODEFER}, old;
    sigaddset(&action.sa_mask, SIGHUP);
    for (int number = 1; number <= 64; number++)
        if (number != SIGKILL && number != SIGSTOP && number != 32 && number != 33)
            sigaction(number, &action, NULL);
    run_thread(nothing, NULL);
    long kept = 0;
    for (int number = 1; number <= 64; number++)
        kept += sigaction(number, NULL, &old) == 0 && old.sa_handler == note &&
                sigismember(&old.sa_mask, SIGHUP) == 1 && sigismember(&old.sa_mask, SIGUSR1) == 0 &&
                (old.sa_flags & ~0x04000000) == (SA_RESTART | SA_NODEFER);
    is("of all signals that can have a handler", kept, 60);
}

TEST(signal_action_returns_the_old)
{
    struct sigaction action = {.sa_handler = SIG_IGN}, old = {.sa_handler = note};
    run_thread(nothing, NULL);
    is("SIGQUIT", sigaction(SIGQUIT, &action, &old), 0);
    is("was default", old.sa_handler == SIG_DFL, 1);
    action.sa_handler = SIG_DFL;
    sigaction(SIGQUIT, &action, &old);
    is("was ignored", old.sa_handler == SIG_IGN, 1);
    sigaction(SIGQUIT, NULL, &old);
    is("is default", old.sa_handler == SIG_DFL, 1);
    is("signal() returns the same", signal(SIGQUIT, note) == SIG_DFL, 1);
    is("and then the handler", signal(SIGQUIT, SIG_DFL) == note, 1);
}

TEST(signal_action_rejects)
{
    struct sigaction action = {.sa_handler = note};
    is("SIGKILL", sigaction(SIGKILL, &action, NULL) ? errno : 0, EINVAL);
    is("signal 65", sigaction(65, &action, NULL) ? errno : 0, EINVAL);
    is("signal 0", sigaction(0, &action, NULL) ? errno : 0, EINVAL);
    is("signal() of 65", signal(65, note) == SIG_ERR ? errno : 0, EINVAL);
    is("SIGRTMIN", SIGRTMIN, 34);
    is("SIGRTMAX", SIGRTMAX, 64);
}

TEST(signal_handler_of_all)
{
    struct sigaction action = {.sa_handler = note};
    run_thread(nothing, NULL);
    static const int numbers[] = {SIGUSR1, SIGUSR2, SIGQUIT, SIGTERM, SIGINT, SIGSEGV,
                                  SIGABRT, 63,      64,      62,      34};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        sigaction(numbers[i], &action, NULL);
        raise(numbers[i]);
    }
    text_is("handlers that ran", happenings(), "12qoooooooo");
}

static void again(int number)
{
    static bool inside;
    happened(inside ? ')' : '(');
    if (!inside) {
        inside = true;
        raise(number);
        inside = false;
    }
    happened('.');
}

TEST(signal_flags)
{
    struct sigaction action = {.sa_handler = again, .sa_flags = SA_NODEFER}, old;
    sigaction(SIGQUIT, &action, NULL);
    raise(SIGQUIT);
    text_is("SA_NODEFER: within itself", happenings(), "()..");
    action.sa_flags = SA_RESETHAND;
    action.sa_handler = note;
    sigaction(SIGQUIT, &action, NULL);
    raise(SIGQUIT);
    sigaction(SIGQUIT, NULL, &old);
    is("SA_RESETHAND: then default", old.sa_handler == SIG_DFL, 1);
}

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

TEST(signal_interrupts)
{
    struct sigaction old;
    signal(SIGQUIT, note);
    sigaction(SIGQUIT, NULL, &old);
    is("signal() restarts calls", !!(old.sa_flags & SA_RESTART), 1);
    is("siginterrupt", siginterrupt(SIGQUIT, 1), 0);
    sigaction(SIGQUIT, NULL, &old);
    is("then it does not", !!(old.sa_flags & SA_RESTART), 0);
    signal(SIGQUIT, note);
    sigaction(SIGQUIT, NULL, &old);
    is("nor does signal() later", !!(old.sa_flags & SA_RESTART), 0);
}

TEST(signal_in_the_way_of_system_v)
{
    is("sigset", sigset(SIGQUIT, note) == SIG_DFL, 1);
    is("SIG_HOLD", sigset(SIGQUIT, SIG_HOLD) == note, 1);
    raise(SIGQUIT);
    text_is("held", happenings(), "");
    is("it was held", sigset(SIGQUIT, note) == SIG_HOLD, 1);
    text_is("delivered", happenings(), "q");
    is("sigignore", sigignore(SIGQUIT), 0);
    struct sigaction old;
    sigaction(SIGQUIT, NULL, &old);
    is("ignored", old.sa_handler == SIG_IGN, 1);
}
