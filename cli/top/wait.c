#include "cli/top/wait.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "base/clock.h"

static volatile sig_atomic_t ended;
static sigset_t while_waiting;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

void top_catch_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        if (sigaction(signals[i], NULL, &before) != 0 || before.sa_handler == SIG_IGN) /* nohup(1) */
            continue;
        sigaddset(&set, signals[i]);
        sigaction(signals[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &set, &while_waiting);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigdelset(&while_waiting, signals[i]);
}

bool top_is_due(uint64_t until_ns, uint64_t interval_ns)
{
    uint64_t now = now_ns();
    return now >= until_ns || until_ns - now > interval_ns;
}

bool top_wait(uint64_t until_ns, int fd)
{
    uint64_t now = now_ns(), ns = until_ns > now ? until_ns - now : 0;
    const struct timespec time = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    struct pollfd input = {.fd = fd, .events = POLLIN};
    ppoll(&input, 1, &time, &while_waiting);
    return !ended && !(input.revents & (POLLHUP | POLLERR | POLLNVAL));
}
