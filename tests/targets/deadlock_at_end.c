/* Two threads wait for each other's lock when main returns 0. With "self": one thread, which locks its lock
 * twice. With "unjoined": also a thread that has ended. With "none": a thread that sleeps. */
#include "asleep.h"
#include "keep.h"

static pthread_mutex_t accounts = PTHREAD_MUTEX_INITIALIZER, journal = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both_hold;

static NOINLINE void *pay(void *arg)
{
    CHECK(pthread_mutex_lock(&accounts) == 0);
    pthread_barrier_wait(&both_hold);
    CHECK(pthread_mutex_lock(&journal) == 0);
    return arg;
}

static NOINLINE void *print_journal(void *arg)
{
    CHECK(pthread_mutex_lock(&journal) == 0);
    pthread_barrier_wait(&both_hold);
    CHECK(pthread_mutex_lock(&accounts) == 0);
    return arg;
}

static NOINLINE void *pay_twice(void *arg)
{
    CHECK(pthread_mutex_lock(&accounts) == 0);
    CHECK(pthread_mutex_lock(&accounts) == 0);
    return arg;
}

static void *end(void *arg)
{
    return arg;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "two";
    CHECK(pthread_barrier_init(&both_hold, NULL, 2) == 0);
    if (!strcmp(how, "none")) {
        start_and_keep(stay, NULL);
    } else if (!strcmp(how, "self")) {
        start_and_keep(pay_twice, NULL);
    } else {
        if (!strcmp(how, "unjoined"))
            start_and_keep(end, NULL);
        start_and_keep(pay, NULL);
        start_and_keep(print_journal, NULL);
    }
    await_asleep();
    return 0;
}
