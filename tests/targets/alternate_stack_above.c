/* The alternate stack is an array in the frame of main, so above the hooks that the handler interrupts. In
 * the end a forked child leaves a thread. */
#include <sys/time.h>

#include "target.h"

#define SIGNALS 20000

static _Atomic int signals;

static void call_hook(int signal)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)signal;
    CHECK(sigaction(SIGUSR2, &ignore, NULL) == 0);
    signals++;
}

static NOINLINE void create_until(int wanted)
{
    while (signals < wanted)
        CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
}

static NOINLINE void leave_thread(void)
{
    start(stay, NULL);
    _exit(0);
}

int main(void)
{
    char memory[65536];
    const stack_t alternate = {.ss_sp = memory, .ss_size = sizeof(memory)};
    const struct sigaction action = {.sa_handler = call_hook, .sa_flags = SA_ONSTACK | SA_RESTART};
    const struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    CHECK(sigaltstack(&alternate, NULL) == 0 && sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    create_until(SIGNALS);
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    pid_t child = fork();
    if (child == 0)
        leave_thread();
    CHECK(waitpid(child, NULL, 0) == child);
    return 0;
}
