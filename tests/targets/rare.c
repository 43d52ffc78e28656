/* Leaks that need a thread to be late by some milliseconds, so that a plain run hardly ever shows them.
 *
 *   rare MODE    each mode is a function below */
#include "target.h"
#include "ways.h"

#define LATE_US 4000 /* so late a thread hardly ever is */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static sem_t posted;
static int stop, answered, taken, started;
static pthread_t published;

static void pause_us(long us)
{
    nanosleep(&(struct timespec){0, us * 1000}, NULL);
}

static void set(int *what)
{
    pthread_mutex_lock(&mutex);
    *what = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void wait_for(const int *what)
{
    pthread_mutex_lock(&mutex);
    while (!*what)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

/* Less than a second. */
static int wait_us(const int *what, long us)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += us * 1000;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    pthread_mutex_lock(&mutex);
    while (!*what && pthread_cond_timedwait(&changed, &mutex, &end) == 0)
        ;
    int is = *what;
    pthread_mutex_unlock(&mutex);
    return is;
}

/* ---- the only wake-up comes before the wait ---- */

static void *wait_once(void *arg)
{
    pthread_mutex_lock(&mutex);
    pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    return arg;
}

static void late_worker(void)
{
    pthread_detach(start(wait_once, NULL));
    pause_us(LATE_US);
    set(&stop);
}

/* ---- the worker clears the flag that stops it ---- */

static void *clear_and_work(void *arg)
{
    stop = 0;
    wait_for(&stop);
    return arg;
}

static void stop_before_start(void)
{
    pthread_detach(start(clear_and_work, NULL));
    pause_us(LATE_US);
    set(&stop);
}

/* ---- the caller gives up, and nobody takes the answer ---- */

static void *answer(void *arg)
{
    set(&answered);
    wait_for(&taken);
    return arg;
}

static void hand_over_after_timeout(void)
{
    pthread_detach(start(answer, NULL));
    if (wait_us(&answered, LATE_US))
        set(&taken);
}

/* ---- the semaphore is made after its only post ---- */

static void *make_and_wait(void *arg)
{
    sem_init(&posted, 0, 0);
    await(&posted);
    return arg;
}

static void post_before_init(void)
{
    pthread_detach(start(make_and_wait, NULL));
    pause_us(LATE_US);
    sem_post(&posted);
}

/* ---- the handle is published by the thread itself ---- */

static void *publish(void *arg)
{
    published = pthread_self();
    return arg;
}

static void join_what_is_published(void)
{
    start(publish, NULL);
    pause_us(LATE_US);
    if (published)
        pthread_join(published, NULL);
}

/* ---- a pool counts the workers that have begun, and stops as many ---- */

static void *count_and_work(void *arg)
{
    pthread_mutex_lock(&mutex);
    started++;
    pthread_mutex_unlock(&mutex);
    await(&posted);
    return arg;
}

static void stop_those_that_began(void)
{
    sem_init(&posted, 0, 0);
    for (int i = 0; i < 4; i++)
        pthread_detach(start(count_and_work, NULL));
    pause_us(LATE_US);
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < started; i++)
        sem_post(&posted);
    pthread_mutex_unlock(&mutex);
}

/* ---- a second start, since the first one is not seen yet ---- */

static void *say_and_work(void *arg)
{
    set(&started);
    await(&posted);
    return arg;
}

static void start_again(void)
{
    sem_init(&posted, 0, 0);
    pthread_detach(start(say_and_work, NULL));
    if (!wait_us(&started, LATE_US))
        pthread_detach(start(say_and_work, NULL));
    sem_post(&posted);
}

/* ---- the join is skipped when the end takes long ---- */

static void *say_end(void *arg)
{
    set(&answered);
    return arg;
}

static void return_before_join(void)
{
    pthread_t thread = start(say_end, NULL);
    if (wait_us(&answered, LATE_US))
        pthread_join(thread, NULL);
}

static const struct way modes[] = {
    WAY(late_worker),      WAY(stop_before_start),      WAY(hand_over_after_timeout),
    WAY(post_before_init), WAY(join_what_is_published), WAY(stop_those_that_began),
    WAY(start_again),      WAY(return_before_join),
};

int main(int argc, char **argv)
{
    return run_way(modes, sizeof(modes) / sizeof(*modes), argc, argv);
}
