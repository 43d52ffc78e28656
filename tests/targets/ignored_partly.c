/*
 * Threads of one creation site that differ in what they wait for and in what they are called: rules may
 * ignore some of them.  One more has ended.  The process ends when each is blocked.
 */
#include "asleep.h"
#include "target.h"

enum { WORKERS = 6 };

static pthread_mutex_t jobs_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t jobs_ready = PTHREAD_COND_INITIALIZER;
static sem_t slots_free;

static NOINLINE void wait_for_job(void)
{
    pthread_mutex_lock(&jobs_lock);
    for (;;)
        pthread_cond_wait(&jobs_ready, &jobs_lock);
}

static NOINLINE void wait_for_slot(void)
{
    while (sem_wait(&slots_free) != 0)
        CHECK(errno == EINTR);
}

static void *worker(void *arg)
{
    int number = *(int *)arg;
    char name[16];
    snprintf(name, sizeof(name), "io %d", number);
    pthread_setname_np(pthread_self(), name);
    if (number == WORKERS)
        return NULL;
    if (number % 2)
        wait_for_job();
    wait_for_slot();
    return arg;
}

int main(void)
{
    static int numbers[WORKERS + 1];
    sem_init(&slots_free, 0, 0);
    for (int i = 1; i <= WORKERS; i++) {
        numbers[i] = i;
        start(worker, &numbers[i]);
    }
    await_asleep();
    return 0;
}
