/* abort() in handlers of signals, and handlers of its signal. See aborts.h. */
#include "aborts.h"

#include <setjmp.h>
#include <sys/auxv.h>

static void on(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    CHECK(sigaction(number, &action, NULL) == 0);
}

static void on_signal(int number)
{
    (void)number;
    give_up();
}

static void in_handler(void)
{
    keep_threads();
    on(SIGUSR1, on_signal, 0);
    raise(SIGUSR1);
}

static void on_small_stack(void)
{
    /* AT_MINSIGSTKSZ, and 6144 for the loader's part of the first call of abort() */
    size_t size = (size_t)getauxval(51) + 6144;
    stack_t stack = {.ss_sp = malloc(size), .ss_size = size};
    keep_threads();
    CHECK(sigaltstack(&stack, NULL) == 0);
    on(SIGUSR1, on_signal, SA_ONSTACK);
    raise(SIGUSR1);
}

static void after_fault(void)
{
    keep_threads();
    on(SIGSEGV, on_signal, 0);
    fault();
}

static void say(int number)
{
    (void)number;
    CHECK(write(2, "in the handler\n", 15) == 15);
}

static void handler_returns(void)
{
    keep_threads();
    on(SIGABRT, say, 0);
    give_up();
}

static void leave_now(int number)
{
    say(number);
    _exit(7);
}

static void handler_leaves(void)
{
    keep_threads();
    on(SIGABRT, leave_now, 0);
    give_up();
}

static void exit_now(int number)
{
    say(number);
    exit(7);
}

static void handler_exits(void)
{
    keep_threads();
    on(SIGABRT, exit_now, 0);
    give_up();
}

static void handler_aborts(void)
{
    keep_threads();
    on(SIGABRT, on_signal, SA_NODEFER);
    on(SIGABRT, on_signal, SA_NODEFER | SA_RESETHAND);
    give_up();
}

static sigjmp_buf back;

static void jump(int number)
{
    (void)number;
    siglongjmp(back, 1);
}

/* A test of a program that is expected to abort. */
static void survive(void)
{
    on(SIGABRT, jump, 0);
    if (sigsetjmp(back, 1) == 0)
        give_up();
}

static void handler_jumps(void)
{
    keep_threads();
    survive();
    survive();
    syscall(SYS_exit_group, 5);
}

static void handler_jumps_then_leaves(void)
{
    keep_threads();
    survive();
    _exit(5);
}

static void handler_jumps_then_exit(void)
{
    sem_t end;
    CHECK(sem_init(&end, 0, 0) == 0);
    pthread_t thread = start(stay_until, &end);
    survive();
    CHECK(sem_post(&end) == 0 && pthread_join(thread, NULL) == 0);
    exit(0);
}

static void handler_jumps_then_dies(void)
{
    keep_threads();
    survive();
    raise(SIGTERM);
}

static void blocked(void)
{
    sigset_t set;
    keep_threads();
    CHECK(sigemptyset(&set) == 0 && sigaddset(&set, SIGABRT) == 0);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    give_up();
}

static void ignored(void)
{
    keep_threads();
    on(SIGABRT, SIG_IGN, 0);
    give_up();
}

static const struct way ways[] = {
    WAY(in_handler),
    WAY(on_small_stack),
    WAY(after_fault),
    WAY(handler_returns),
    WAY(handler_leaves),
    WAY(handler_exits),
    WAY(handler_aborts),
    WAY(handler_jumps),
    WAY(handler_jumps_then_leaves),
    WAY(handler_jumps_then_exit),
    WAY(handler_jumps_then_dies),
    WAY(blocked),
    WAY(ignored),
};

int main(int argc, char **argv)
{
    return run_way(ways, sizeof(ways) / sizeof(*ways), argc, argv);
}
