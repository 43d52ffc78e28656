/* A thread is cancelled asynchronously while it makes the report of a dump signal. Then the signal comes
 * again. */
#include <stdatomic.h>
#include <stdbool.h>

#include "target.h"

static _Atomic pid_t spinner;

static void *spin(void *arg)
{
    CHECK(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
    atomic_store(&spinner, (pid_t)syscall(SYS_gettid));
    sem_post(&ready);
    for (;;)
        ;
    return arg;
}

/* The shim blocks the signal of pthread_cancel(), number 32, only during the report. */
static bool blocks_cancellation(void)
{
    char path[64], line[256];
    unsigned long long blocked = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", atomic_load(&spinner));
    FILE *status = fopen(path, "r");
    CHECK(status);
    while (fgets(line, sizeof(line), status) && sscanf(line, "SigBlk: %llx", &blocked) != 1)
        ;
    fclose(status);
    return blocked >> 31 & 1;
}

int main(void)
{
    pthread_t thread = start(spin, NULL);
    await_ready(1);
    CHECK(pthread_kill(thread, SIGQUIT) == 0);
    while (!blocks_cancellation())
        ;
    CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, NULL) == 0);
    dprintf(2, "joined\n");
    raise(SIGQUIT);
    return 0;
}
