/* pthread_kill as soon as there is a handle: each signal is seen, 1,000 times. */
#include "target.h"

static _Atomic int seen;

static void on_signal(int signal)
{
    (void)signal;
    seen++;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sem_t release;

    CHECK(sem_init(&release, 0, 0) == 0);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    for (int i = 0; i < 1000; i++) {
        pthread_t thread = start(stay_until, &release);
        CHECK(pthread_kill(thread, SIGUSR1) == 0);
        sem_post(&release);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    printf("%d signals\n", seen);
    return 0;
}
