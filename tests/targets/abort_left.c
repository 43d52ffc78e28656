/* In a sandbox: a thread aborts, and its report waits for a full pipe. A handler leaves it by a jump, and the
 * process ends. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdbool.h>

#include "sandbox.h"

static sigjmp_buf back;
static _Atomic bool aborts, left;

static void leave(int number)
{
    (void)number;
    siglongjmp(back, 1);
}

static void *give_up(void *arg)
{
    if (sigsetjmp(back, 1) == 0) {
        aborts = true;
        abort();
    }
    left = true;
    return stay(arg);
}

static void fill_standard_error(void)
{
    static const char page[4096];
    int ends[2];
    CHECK(pipe(ends) == 0 && dup2(ends[1], 2) == 2 && fcntl(2, F_SETFL, O_NONBLOCK) == 0);
    while (write(2, page, sizeof(page)) > 0)
        continue;
    CHECK(fcntl(2, F_SETFL, 0) == 0);
}

int main(void)
{
    const struct sigaction action = {.sa_handler = leave};
    fill_standard_error();
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGABRT, &action, NULL) == 0);
    ENTER_SANDBOX(OTHERS(SECCOMP_RET_ALLOW));
    pthread_t thread = start(give_up, NULL);
    while (!aborts)
        usleep(1000);
    usleep(300000);
    if (!left)
        CHECK(pthread_kill(thread, SIGUSR1) == 0);
    while (!left)
        usleep(1000);
    _exit(3);
}
