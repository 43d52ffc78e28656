/*
 * A flag is set, and nobody is woken.  The worker checks the flag only when it wakes
 * up, and nothing wakes it.  The join hangs.  Right: set the flag under the lock, and
 * signal.
 */
#include "pattern.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_ready = PTHREAD_COND_INITIALIZER;
static bool stop;

static void *work(void *arg)
{
    pthread_mutex_lock(&lock);
    while (!stop) {
        sem_post(&ready);
        pthread_cond_wait(&work_ready, &lock);
    }
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    pthread_t worker = start(work, NULL);
    await_ready(1);
    pthread_mutex_lock(&lock);
    stop = true;
    if (right)
        pthread_cond_signal(&work_ready);
    pthread_mutex_unlock(&lock);
    pthread_join(worker, NULL);
    return end_example();
}
