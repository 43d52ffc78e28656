/*
 * Hand-over after a timeout.  The caller gives up waiting and goes away.  The worker
 * then waits for ever for someone to take its result.  Right: the worker leaves the
 * result in the request, and the one who comes last frees it.
 */
#include "pattern.h"

struct request {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool asked, done, taken, abandoned;
};

static void *answer(void *arg)
{
    struct request *request = arg;
    pthread_mutex_lock(&request->lock);
    while (!request->asked) /* the slow part: it takes longer than the caller waits */
        pthread_cond_wait(&request->changed, &request->lock);
    request->done = true;
    pthread_cond_broadcast(&request->changed);
    while (!request->taken && !(right && request->abandoned))
        pthread_cond_wait(&request->changed, &request->lock);
    pthread_mutex_unlock(&request->lock);
    if (request->abandoned)
        free(request);
    return NULL;
}

/* False when there was no answer in time. */
static NOINLINE bool ask(void)
{
    struct request *request = calloc(1, sizeof(*request));
    struct timespec deadline;
    CHECK(request);
    pthread_mutex_init(&request->lock, NULL);
    pthread_cond_init(&request->changed, NULL);
    start_detached(answer, request);
    pthread_mutex_lock(&request->lock);
    clock_gettime(CLOCK_REALTIME, &deadline);
    while (!request->done &&
           pthread_cond_timedwait(&request->changed, &request->lock, &deadline) != ETIMEDOUT)
        ;
    bool in_time = request->done;
    request->asked = true;
    request->abandoned = !in_time;
    pthread_cond_broadcast(&request->changed);
    pthread_mutex_unlock(&request->lock);
    return in_time;
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    CHECK(!ask());
    return end_example();
}
