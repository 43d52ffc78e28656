/*
 * Does what the lines of its input say, and answers each with "done".  Its answer to nothing is "up".  It
 * ends with its input.
 *
 *     stays [N], detached [N], unjoined [N], joined [N]    N threads (1)
 *     blocked                                              a thread that waits for a mutex of the main thread
 *     deadlock                                             two threads that wait for each other's mutex
 *     sites N                                              N joined threads, each created by another path of
 * calls
 */
#include "asleep.h"
#include "target.h"

static pthread_mutex_t jobs_lock = PTHREAD_MUTEX_INITIALIZER;

static void *want_lock(void *arg)
{
    sem_post(&ready);
    pthread_mutex_lock(&jobs_lock);
    return arg;
}

static pthread_mutex_t first_lock = PTHREAD_MUTEX_INITIALIZER, second_lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t both_locked;

static void *want_second(void *arg)
{
    pthread_mutex_lock(&first_lock);
    sem_post(&ready);
    await(&both_locked);
    pthread_mutex_lock(&second_lock);
    return arg;
}

static void *want_first(void *arg)
{
    pthread_mutex_lock(&second_lock);
    sem_post(&ready);
    await(&both_locked);
    pthread_mutex_lock(&first_lock);
    return arg;
}

static void start_deadlock(void)
{
    start(want_second, NULL);
    start(want_first, NULL);
    await_ready(2);
    sem_post(&both_locked);
    sem_post(&both_locked);
}

NOINLINE static void start_worker(void)
{
    start(stay, NULL);
    await_ready(1);
}

NOINLINE static void start_detached(void)
{
    pthread_detach(start(stay, NULL));
    await_ready(1);
}

NOINLINE static void start_blocked(void)
{
    start(want_lock, NULL);
    await_ready(1);
}

NOINLINE static void start_joined(void)
{
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
}

NOINLINE static void start_unjoined(void)
{
    start_and_see_finish();
}

NOINLINE static void go_left(unsigned path, int depth);

NOINLINE static void go_right(unsigned path, int depth)
{
    if (depth == 0)
        start_joined();
    else if (path & 1)
        go_right(path >> 1, depth - 1);
    else
        go_left(path >> 1, depth - 1);
}

NOINLINE static void go_left(unsigned path, int depth)
{
    if (depth == 0)
        start_joined();
    else if (path & 1)
        go_right(path >> 1, depth - 1);
    else
        go_left(path >> 1, depth - 1);
}

static void start_everywhere(int count)
{
    for (int i = 0; i < count; i++)
        go_left((unsigned)i, 12);
}

static void repeat(void (*function)(void), int count)
{
    while (count-- > 0)
        function();
}

static void obey(const char *word, int count)
{
    if (!strcmp(word, "stays"))
        repeat(start_worker, count);
    else if (!strcmp(word, "detached"))
        repeat(start_detached, count);
    else if (!strcmp(word, "unjoined"))
        repeat(start_unjoined, count);
    else if (!strcmp(word, "joined"))
        repeat(start_joined, count);
    else if (!strcmp(word, "blocked"))
        repeat(start_blocked, count);
    else if (!strcmp(word, "deadlock"))
        start_deadlock();
    else if (!strcmp(word, "sites"))
        start_everywhere(count);
}

int main(void)
{
    char line[80], word[80];
    pthread_mutex_lock(&jobs_lock);
    dprintf(1, "up\n");
    while (fgets(line, sizeof(line), stdin)) {
        int count = 1;
        if (sscanf(line, "%79s %d", word, &count) >= 1)
            obey(word, count);
        await_asleep();
        dprintf(1, "done\n");
    }
    _exit(0);
}
