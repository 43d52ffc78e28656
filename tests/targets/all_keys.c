/* A program that uses all thread-specific keys: the shim must not have one of them. Threads end with and
 * without the key of the shim. */
#include <limits.h>

#include "target.h"

static sem_t go;
static _Atomic int values; /* destructors that were called, with the right value */
static pthread_key_t keys[PTHREAD_KEYS_MAX];

static void destroy(void *value)
{
    CHECK(value == &go);
    values++;
}

static void *set_all(void *arg)
{
    for (int i = 0; i < PTHREAD_KEYS_MAX; i++) {
        CHECK(pthread_getspecific(keys[i]) == NULL);
        CHECK(pthread_setspecific(keys[i], &go) == 0);
    }
    return arg;
}

/* It has begun before the program has all keys. */
static void *wait_and_see(void *arg)
{
    sem_post(&ready);
    await(&go);
    return set_all(arg);
}

static void *wait_and_finish(void *tid)
{
    sem_post(&ready);
    await(&go);
    return finish(tid);
}

static NOINLINE void leak_unjoined(pid_t *tid)
{
    start(wait_and_finish, tid);
}

static NOINLINE void leak_running(void)
{
    start(stay, NULL);
}

int main(void)
{
    pthread_key_t one_more;
    pid_t ended;
    pthread_t thread;
    CHECK(sem_init(&go, 0, 0) == 0);
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    CHECK(pthread_setspecific(0, &go) == EINVAL);
    CHECK(pthread_key_delete(31) == EINVAL);
    thread = start(wait_and_see, NULL);
    leak_unjoined(&ended);
    await_ready(2);
    for (int i = 0; i < PTHREAD_KEYS_MAX; i++)
        CHECK(pthread_key_create(&keys[i], destroy) == 0);
    CHECK(keys[0] == 0 && keys[30] == 30);
    CHECK(pthread_key_create(&one_more, NULL) == EAGAIN);
    sem_post(&go);
    sem_post(&go);
    await_ready(1);
    await_gone(ended);
    CHECK(pthread_join(thread, NULL) == 0 && values == PTHREAD_KEYS_MAX);
    CHECK(pthread_join(start(set_all, NULL), NULL) == 0 && values == 2 * PTHREAD_KEYS_MAX);
    CHECK(pthread_detach(start(nothing, NULL)) == 0);
    leak_running();
    await_ready(1);
    return 0;
}
