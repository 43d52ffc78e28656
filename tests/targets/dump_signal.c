/*
 * SIGQUIT asks for a report.  The program goes on and notices nothing: no
 * SIGCHLD, no child for wait(-1), errno and signal mask as they were.
 */
#include "target.h"

static _Atomic int children;

static void on_child(int signal)
{
    (void)signal;
    children++;
}

static sem_t release;

static void *stay_a_while(void *arg)
{
    sem_post(&ready);
    return stay_until(arg);
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_child};
    sigset_t before, after;
    pthread_t threads[2];

    CHECK(sem_init(&release, 0, 0) == 0);
    CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
    for (int i = 0; i < 2; i++)
        threads[i] = start(stay_a_while, &release);
    await_ready(2);
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &before) == 0);
    errno = 4242;
    CHECK(raise(SIGQUIT) == 0);
    CHECK(errno == 4242);
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &after) == 0);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
    CHECK(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
    CHECK(children == 0);
    for (int i = 0; i < 2; i++)
        sem_post(&release);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    puts("went on");
    return 0;
}
