/*
 * A thread waits for a mutex whose holder has ended without giving it back.
 * "joined": and was joined, so that it is unknown which it was.
 */
#include "target.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t holder_tid, waiter_tid;

static void *hold(void *arg)
{
    pthread_mutex_lock(&lock);
    holder_tid = (pid_t)syscall(SYS_gettid);
    sem_post(&ready);
    return arg;
}

static void *want(void *arg)
{
    waiter_tid = (pid_t)syscall(SYS_gettid);
    sem_post(&ready);
    pthread_mutex_lock(&lock);
    return arg;
}

/* There is nothing else that it sleeps for. */
static void await_asleep(pid_t tid)
{
    char path[64], state = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
    while (state != 'S') {
        FILE *stat = fopen(path, "r");
        CHECK(stat && fscanf(stat, "%*d (%*[^)]) %c", &state) == 1);
        fclose(stat);
    }
}

int main(int argc, char **argv)
{
    pthread_t holder = start(hold, NULL);
    await_ready(1);
    await_gone(holder_tid);
    if (argc > 1 && strcmp(argv[1], "joined") == 0)
        CHECK(pthread_join(holder, NULL) == 0);
    start(want, NULL);
    await_ready(1);
    await_asleep(waiter_tid);
    return 0;
}
