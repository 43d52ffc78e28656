/*
 * The program creates no thread itself. libc's thread of a timer posts a semaphore, as the first caller in
 * the program, while a library's constructor waits for that and holds the lock of the loader. Then a call
 * comes between a failed dlopen() and dlerror().
 */
#include <dlfcn.h>

#include "target.h"

void constructor_waits(void);

static sem_t fired;

static void fire(union sigval value)
{
    (void)value;
    CHECK(sem_post(&fired) == 0);
}

/* libwaits.so calls it. */
void constructor_waits(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD};
    struct itimerspec soon = {.it_value = {0, 1000000}};
    timer_t timer;
    event.sigev_notify_function = fire;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &soon, NULL) == 0);
    CHECK(sem_wait(&fired) == 0);
}

int main(void)
{
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    CHECK(sem_init(&fired, 0, 0) == 0);
    CHECK(dlopen("libwaits.so", RTLD_NOW));
    CHECK(!dlopen("no such library", RTLD_NOW));
    CHECK(pthread_cond_broadcast(&cond) == 0);
    CHECK(dlerror());
    return 0;
}
