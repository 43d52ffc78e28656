/* A signal handler makes threads, while its thread may be making one itself. */
#include <sys/time.h>

#include "target.h"

static volatile sig_atomic_t made;

static void create_here(int signal)
{
    int saved_errno = errno;
    (void)signal;
    CHECK(pthread_detach(start(nothing, NULL)) == 0);
    made++;
    errno = saved_errno;
}

int main(void)
{
    struct sigaction action = {.sa_handler = create_here, .sa_flags = SA_RESTART};

    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    for (int i = 0; i < 200; i++) {
        pthread_t thread = start(nothing, NULL);
        CHECK(raise(SIGUSR1) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK(made == 200);
    return 0;
}
