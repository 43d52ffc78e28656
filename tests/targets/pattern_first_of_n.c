/*
 * The first result of N is taken.  Three replicas answer, the caller takes one answer
 * and returns.  The other two wait for ever to hand over theirs.  Right: there is room
 * for all N answers, so nobody waits to give one.
 */
#include "pattern.h"

enum { REPLICAS = 3 };

struct answers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int room, held, users;
};

static void leave(struct answers *answers)
{
    pthread_mutex_lock(&answers->lock);
    int users = --answers->users;
    pthread_mutex_unlock(&answers->lock);
    if (users == 0)
        free(answers);
}

static void *ask_replica(void *arg)
{
    struct answers *answers = arg;
    pthread_mutex_lock(&answers->lock);
    while (answers->held == answers->room)
        pthread_cond_wait(&answers->changed, &answers->lock);
    answers->held++;
    pthread_cond_broadcast(&answers->changed);
    pthread_mutex_unlock(&answers->lock);
    leave(answers);
    return NULL;
}

static NOINLINE void ask_fastest(void)
{
    struct answers *answers = calloc(1, sizeof(*answers));
    CHECK(answers);
    pthread_mutex_init(&answers->lock, NULL);
    pthread_cond_init(&answers->changed, NULL);
    answers->room = right ? REPLICAS : 1;
    answers->users = REPLICAS + 1;
    for (int i = 0; i < REPLICAS; i++)
        start_detached(ask_replica, answers);
    pthread_mutex_lock(&answers->lock);
    while (answers->held == 0)
        pthread_cond_wait(&answers->changed, &answers->lock);
    pthread_mutex_unlock(&answers->lock);
    leave(answers);
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    ask_fastest();
    return end_example();
}
