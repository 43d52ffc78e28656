/* Threads that wait for locks that fork() takes: `fork_locks HOW`. Prints "up" when all but the main thread
 * wait; ends with its input, without a thread for that.
 *
 *   ring     the main thread has a stream, and wants fork's lock.
 *            T2 has the list of streams, and wants the stream.
 *            T3 has fork's lock, and wants the list of streams.
 *   chain    the main thread has the stream, and waits for a signal.
 *            T2 and T3 are as above. T4 wants fork's lock.
 *   handler  T2 is in a handler of fork, which wants a mutex of the main thread.
 *            That registers another handler, and waits for a signal.
 *   circle   the same, but the main thread joins T2 */
#include <fcntl.h>

#include "asleep.h"
#include "target.h"

static FILE *stream;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *flush_all(void *arg)
{
    sem_post(&ready);
    fflush(NULL);
    return arg;
}

static void *fork_and_end(void *arg)
{
    sem_post(&ready);
    pid_t child = fork();
    if (!child)
        _exit(0);
    return arg;
}

static pthread_t start_and_await(void *(*routine)(void *))
{
    pthread_t thread = start(routine, NULL);
    await_ready(1);
    await_asleep();
    return thread;
}

static void take_turns(bool is_ring)
{
    flockfile(stream);
    start_and_await(flush_all);
    start_and_await(fork_and_end);
    if (!is_ring)
        start_and_await(fork_and_end);
    CHECK(write(1, "up\n", 3) == 3);
    if (is_ring)
        fork_and_end(NULL);
    pause();
}

static void lock(void)
{
    CHECK(pthread_mutex_lock(&mutex) == 0);
}

static void block_in_handler(bool is_circle)
{
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_atfork(lock, NULL, NULL) == 0);
    pthread_t thread = start_and_await(fork_and_end);
    CHECK(write(1, "up\n", 3) == 3);
    if (is_circle)
        pthread_join(thread, NULL);
    else
        CHECK(pthread_atfork(NULL, NULL, NULL) == 0);
    pause();
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "ring";
    stream = fopen("/dev/null", "w");
    CHECK(stream && fcntl(0, F_SETOWN, getpid()) == 0);
    CHECK(fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_ASYNC) == 0);
    if (!strcmp(how, "ring") || !strcmp(how, "chain"))
        take_turns(!strcmp(how, "ring"));
    block_in_handler(!strcmp(how, "circle"));
    return 0;
}
