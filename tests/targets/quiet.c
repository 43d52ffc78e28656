/* A thread that is alive at the end. For ever: nothing can wake it. Soon: something wakes it a moment later,
 * and it ends.
 *
 *   quiet WHAT */
#include "target.h"

#include <sys/mman.h>

static sem_t never, later;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void *wait_for_condition(void *arg)
{
    pthread_mutex_lock(&mutex);
    sem_post(&ready);
    for (;;)
        pthread_cond_wait(&condition, &mutex);
    return arg;
}

static void *join_other(void *thread)
{
    sem_post(&ready);
    pthread_join(*(pthread_t *)thread, NULL);
    return NULL;
}

static struct timespec in_a_moment(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 300000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

static void *wait_a_moment(void *arg)
{
    struct timespec until = in_a_moment();
    sem_post(&ready);
    while (sem_timedwait(&never, &until) != 0 && errno != ETIMEDOUT)
        ;
    return arg;
}

static void *wait_until_posted(void *semaphore)
{
    sem_post(&ready);
    await(semaphore);
    return NULL;
}

static void post(union sigval semaphore)
{
    sem_post(semaphore.sival_ptr);
}

static void start_timer(void)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD, .sigev_notify_function = post, .sigev_value.sival_ptr = &later};
    const struct itimerspec soon = {.it_value = {0, 300000000}};
    timer_t timer;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &soon, NULL) == 0);
}

/* Another process posts it. */
static sem_t *shared_semaphore(void)
{
    sem_t *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED && sem_init(shared, 1, 0) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        usleep(300000);
        sem_post(shared);
        _exit(0);
    }
    return shared;
}

static sem_t ball[2];

/* Two threads that wake each other. */
static void *play(void *side)
{
    size_t own = (size_t)side;
    sem_post(&ready);
    for (int i = 0; i < 20000; i++) {
        await(&ball[own]);
        sem_post(&ball[!own]);
    }
    return NULL;
}

static void detach(void *(*routine)(void *), void *arg)
{
    CHECK(pthread_detach(start(routine, arg)) == 0);
    await_ready(1);
}

int main(int argc, char **argv)
{
    static pthread_t waiting;
    CHECK(argc == 2);
    const char *what = argv[1];
    sem_init(&never, 0, 0);
    sem_init(&later, 0, 0);
    if (strcmp(what, "condition") == 0) {
        start(wait_for_condition, NULL);
        await_ready(1);
    } else if (strcmp(what, "join") == 0) {
        waiting = start(wait_until_posted, &never);
        start(join_other, &waiting);
        await_ready(2);
    } else if (strcmp(what, "ended") == 0) {
        start_and_see_finish();
    } else if (strcmp(what, "timeout") == 0) {
        detach(wait_a_moment, NULL);
    } else if (strcmp(what, "timer") == 0) {
        detach(wait_until_posted, &later);
        start_timer();
    } else if (strcmp(what, "process") == 0) {
        detach(wait_until_posted, shared_semaphore());
    } else if (strcmp(what, "others") == 0) {
        sem_init(&ball[0], 0, 1);
        sem_init(&ball[1], 0, 0);
        detach(play, (void *)0);
        detach(play, (void *)1);
    }
    return 0;
}
