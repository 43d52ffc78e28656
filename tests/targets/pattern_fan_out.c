/*
 * Bounded fan-out.  At most two downloads run at a time.  The second one fails.  Wrong:
 * the function returns at the first error, and forgets the downloads that wait for
 * their turn.  Right: the first error cancels the rest, and all are joined.
 */
#include "pattern.h"

enum { FILES = 6, LIMIT = 2 };

struct group {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int next, running, error;
};

static void *download(void *arg)
{
    struct group *group = arg;
    pthread_mutex_lock(&group->lock);
    sem_post(&ready); /* the next one is started: who waits does not depend on chance */
    while (group->running == LIMIT && !(right && group->error))
        pthread_cond_wait(&group->changed, &group->lock);
    int number = group->next++;
    if (number < LIMIT)
        group->running++;
    if (number == LIMIT - 1) {
        group->error = EIO;
        pthread_cond_broadcast(&group->changed);
    }
    pthread_mutex_unlock(&group->lock);
    return NULL;
}

static int wait_for_error(struct group *group)
{
    pthread_mutex_lock(&group->lock);
    while (!group->error)
        pthread_cond_wait(&group->changed, &group->lock);
    int error = group->error;
    pthread_mutex_unlock(&group->lock);
    return error;
}

static NOINLINE int download_all(void)
{
    struct group *group = calloc(1, sizeof(*group));
    pthread_t threads[FILES];
    CHECK(group);
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->changed, NULL);
    for (int i = 0; i < FILES; i++) {
        threads[i] = start(download, group);
        await_ready(1);
    }
    int error = wait_for_error(group);
    if (!right)
        return error;
    for (int i = 0; i < FILES; i++)
        pthread_join(threads[i], NULL);
    free(group);
    return error;
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    CHECK(download_all() == EIO);
    return end_example();
}
