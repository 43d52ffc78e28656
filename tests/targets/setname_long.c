/* Detached threads have ended, and the stack of the first is unmapped. libc refuses a name that is too long
 * before it reads what the handle points to. */
#include "target.h"

enum { STACK = 64 << 20 }; /* more than libc keeps for other threads */

static sem_t release;

static void *wait_here(void *tid)
{
    *(pid_t *)tid = (pid_t)syscall(SYS_gettid);
    sem_post(&ready);
    await(&release);
    return NULL;
}

int main(void)
{
    pthread_attr_t attr;
    pthread_t threads[2];
    pid_t tids[2];
    sem_init(&release, 0, 0);
    CHECK(pthread_attr_init(&attr) == 0 && pthread_attr_setstacksize(&attr, STACK) == 0);
    CHECK(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], &attr, wait_here, &tids[i]) == 0);
    await_ready(2);
    for (int i = 0; i < 2; i++)
        sem_post(&release);
    for (int i = 0; i < 2; i++)
        await_gone(tids[i]);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_setname_np(threads[i], "longer than 15 bytes") == ERANGE);
    return 0;
}
