/* Detached before, at and after the end, by itself, twice: one is still alive. */
#include "asleep.h"
#include "target.h"

static void *detach_self(void *tid)
{
    CHECK(pthread_detach(pthread_self()) == 0);
    return finish(tid);
}

static void *detach_other_and_end(void *thread)
{
    CHECK(pthread_detach((pthread_t)thread) == 0);
    return NULL;
}

/* Thread and detacher race for the end, many times over. */
static void detach_while_ending(void)
{
    for (int i = 0; i < 500; i++) {
        pthread_t thread = start(finish, NULL);
        CHECK(pthread_join(start(detach_other_and_end, (void *)thread), NULL) == 0);
        await_ready(1);
    }
}

int main(void)
{
    sem_t release;
    pid_t tid;

    CHECK(sem_init(&release, 0, 0) == 0);
    CHECK(pthread_detach(start(stay_until, &release)) == 0);
    sem_post(&release);

    detach_while_ending();
    CHECK(pthread_detach(start_and_see_finish()) == 0);

    start(detach_self, &tid);
    await_ready(1);
    await_gone(tid);
    await_alone();

    pthread_t twice = start(stay, NULL);
    CHECK(pthread_detach(twice) == 0);
    await_ready(1); /* the shim knows its handle */
    CHECK(pthread_detach(twice) == EINVAL);
    return 0;
}
