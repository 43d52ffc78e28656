/* A once-initialisation wants the mutex that its caller holds; another thread waits for the initialisation.
 */
#include "kernel.h"

static pthread_mutex_t content_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t plain_once = PTHREAD_ONCE_INIT;

static void init_plain(void)
{
    pthread_mutex_lock(&content_lock);
    pthread_mutex_unlock(&content_lock);
}

static void *prepare_page(void *arg)
{
    pthread_mutex_lock(&content_lock);
    pthread_once(&plain_once, init_plain);
    pthread_mutex_unlock(&content_lock);
    return arg;
}

static void *render_page(void *arg)
{
    pthread_once(&plain_once, init_plain);
    return arg;
}

KERNEL(hugo_5379)
{
    go(prepare_page, NULL);
    await_asleep();
    go(render_page, NULL);
}
