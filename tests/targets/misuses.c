/* Joins and detaches that come too late, and correct calls beside them. Prints "up" and the errors; ends with
 * its input.
 *
 *   misuses WHAT...
 *
 * Wrong: self (joins itself), join_early, detach_early (at once, when the detached thread may not have
 * begun), join_detached, born_detached (joins a thread that was created detached), detach_detached,
 * join_twice. Right: detach_self, timed_out, busy, cancelled (a join that is cancelled, then another one),
 * reused (many threads that get the same handle). */
#include <stdbool.h>

#include "target.h"

static pthread_t one;
static sem_t go;

static pthread_t start_thread(void *(*routine)(void *), void *arg, bool detached)
{
    pthread_t thread;
    pthread_attr_t how;
    CHECK(pthread_attr_init(&how) == 0);
    if (detached)
        CHECK(pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED) == 0);
    CHECK(pthread_create(&thread, &how, routine, arg) == 0);
    return thread;
}

static void *detach_itself(void *arg)
{
    CHECK(pthread_detach(pthread_self()) == 0);
    sem_post(&ready);
    return stay_until(arg);
}

static void *join_one(void *arg)
{
    pthread_join(one, NULL);
    return arg;
}

static int self(void)
{
    CHECK(pthread_join(start_thread(nothing, NULL, false), NULL) == 0); /* the ledger begins with a thread */
    return pthread_join(pthread_self(), NULL);
}

static int join_detached(void)
{
    pthread_t thread = start_thread(stay, NULL, false);
    await_ready(1);
    CHECK(pthread_detach(thread) == 0);
    return pthread_join(thread, NULL);
}

static int join_early(void)
{
    pthread_t thread = start_thread(stay, NULL, false);
    CHECK(pthread_detach(thread) == 0);
    return pthread_join(thread, NULL);
}

static int detach_early(void)
{
    pthread_t thread = start_thread(stay, NULL, false);
    CHECK(pthread_detach(thread) == 0);
    return pthread_detach(thread);
}

static int born_detached(void)
{
    pthread_t thread = start_thread(stay, NULL, true);
    await_ready(1);
    return pthread_join(thread, NULL);
}

static int detach_detached(void)
{
    pthread_t thread = start_thread(stay, NULL, false);
    await_ready(1);
    CHECK(pthread_detach(thread) == 0);
    return pthread_detach(thread);
}

static int join_twice(void)
{
    pthread_t thread = start_thread(nothing, NULL, false);
    CHECK(pthread_join(thread, NULL) == 0);
    return pthread_join(thread, NULL);
}

static int detach_self(void)
{
    start_thread(detach_itself, &go, false);
    await_ready(1);
    return 0;
}

static int timed_out(void)
{
    const struct timespec past = {0};
    pthread_t thread = start_thread(stay_until, &go, false);
    int error = pthread_timedjoin_np(thread, NULL, &past);
    sem_post(&go);
    CHECK(pthread_join(thread, NULL) == 0);
    return error;
}

static int busy(void)
{
    pthread_t thread = start_thread(stay_until, &go, false);
    int error = pthread_tryjoin_np(thread, NULL);
    CHECK(pthread_detach(thread) == 0);
    sem_post(&go);
    return error;
}

static int cancelled(void)
{
    one = start_thread(stay_until, &go, false);
    pthread_t joiner = start_thread(join_one, NULL, false);
    CHECK(pthread_cancel(joiner) == 0 && pthread_join(joiner, NULL) == 0);
    sem_post(&go);
    return pthread_join(one, NULL);
}

static int reused(void)
{
    for (int i = 0; i < 100; i++) {
        pthread_t thread = start_thread(nothing, NULL, false);
        CHECK((i % 2 ? pthread_join(thread, NULL) : pthread_detach(thread)) == 0);
    }
    return 0;
}

#define WAY(name)   \
    {               \
#name, name \
    }
static const struct {
    const char *name;
    int (*call)(void);
} ways[] = {WAY(self),       WAY(join_detached), WAY(born_detached), WAY(detach_detached),
            WAY(join_twice), WAY(join_early),    WAY(detach_early),  WAY(detach_self),
            WAY(timed_out),  WAY(busy),          WAY(cancelled),     WAY(reused)};

int main(int argc, char **argv)
{
    char byte;
    for (int i = 1; i < argc; i++)
        for (size_t j = 0; j < sizeof(ways) / sizeof(*ways); j++)
            if (!strcmp(argv[i], ways[j].name))
                dprintf(2, "%s %d\n", argv[i], ways[j].call());
    CHECK(write(1, "up\n", 3) == 3);
    return (int)read(0, &byte, 1);
}
