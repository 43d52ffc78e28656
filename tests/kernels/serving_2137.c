/* Requests hold their place in the breaker until their lock is released; the releaser waits for one that has
 * no place. */
#include "kernel.h"

enum { PLACES = 1 };

struct request {
    pthread_mutex_t lock;
    struct chan *accepted, *active;
};

static void *run_request(void *arg)
{
    struct request *request = arg;
    chan_send(request->active); /* a place in the breaker */
    pthread_mutex_lock(&request->lock);
    pthread_mutex_unlock(&request->lock);
    chan_receive(request->active);
    chan_send(request->accepted);
    return NULL;
}

KERNEL(serving_2137)
{
    struct chan *active = chan_new(PLACES);
    struct request *requests[2];
    for (int i = 0; i < 2; i++) {
        requests[i] = NEW(struct request);
        pthread_mutex_init(&requests[i]->lock, NULL);
        requests[i]->accepted = chan_new(0);
        requests[i]->active = active;
        pthread_mutex_lock(&requests[i]->lock);
        go(run_request, requests[i]);
        await_asleep();
    }
    for (int i = 1; i >= 0; i--) {
        pthread_mutex_unlock(&requests[i]->lock);
        chan_receive(requests[i]->accepted);
    }
}
