/*
 * A lock is held while its thread waits on a queue.  The producer waits for room and
 * still holds state_lock.  The consumer needs state_lock before it takes a message.
 * Right: the producer releases the lock before it waits.
 */
#include "pattern.h"

enum { MESSAGES = 2 };

static pthread_mutex_t state_lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t room, filled;

static void *consume(void *arg)
{
    for (int i = 0; i < MESSAGES; i++) {
        sem_wait(&filled);
        pthread_mutex_lock(&state_lock);
        sem_post(&room);
        pthread_mutex_unlock(&state_lock);
    }
    return arg;
}

static void produce(void)
{
    pthread_mutex_lock(&state_lock);
    for (int i = 0; i < MESSAGES; i++) {
        if (right)
            pthread_mutex_unlock(&state_lock);
        sem_wait(&room);
        if (right)
            pthread_mutex_lock(&state_lock);
        sem_post(&filled);
    }
    pthread_mutex_unlock(&state_lock);
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    sem_init(&room, 0, 1);
    sem_init(&filled, 0, 0);
    pthread_t consumer = start(consume, NULL);
    produce();
    CHECK(pthread_join(consumer, NULL) == 0);
    return end_example();
}
