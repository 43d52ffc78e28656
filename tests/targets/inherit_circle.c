/* Priority-inheriting mutexes: the kernel refuses the lock that would close a circle, and libc waits for
 * ever. `inherit_circle ring|self|free`: two threads with two mutexes, a thread that locks one twice, or two
 * threads of which one has given its mutex back. Prints "up" when both threads are about to block; ends with
 * its input.
 */
#include "target.h"

static pthread_mutex_t first, second;
static pthread_barrier_t both_locked;
static const char *how;

static void init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t kind;
    CHECK(pthread_mutexattr_init(&kind) == 0);
    CHECK(pthread_mutexattr_setprotocol(&kind, PTHREAD_PRIO_INHERIT) == 0);
    CHECK(pthread_mutex_init(mutex, &kind) == 0);
}

static void *lock_first(void *arg)
{
    CHECK(pthread_mutex_lock(&first) == 0);
    pthread_barrier_wait(&both_locked);
    sem_post(&ready);
    pthread_mutex_lock(&second);
    return arg;
}

static void *lock_second(void *arg)
{
    CHECK(pthread_mutex_lock(&second) == 0);
    pthread_barrier_wait(&both_locked);
    sem_post(&ready);
    if (!strcmp(how, "free"))
        return stay(arg);
    pthread_mutex_lock(strcmp(how, "self") ? &first : &second);
    return arg;
}

int main(int argc, char **argv)
{
    char byte;
    CHECK(argc == 2);
    how = argv[1];
    init(&first);
    init(&second);
    CHECK(pthread_barrier_init(&both_locked, NULL, 2) == 0);
    start(lock_first, NULL);
    start(lock_second, NULL);
    await_ready(2);
    CHECK(write(1, "up\n", 3) == 3);
    while (read(0, &byte, 1) > 0)
        ;
    _exit(0);
}
