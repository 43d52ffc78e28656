/*
 * Early return before join.  The second of two threads cannot be started, and the
 * function returns with an error.  The first one is never joined, and its handle is
 * gone.  Right: the way out on an error joins what was started.
 */
#include "pattern.h"

static int start_second(pthread_t *thread)
{
    (void)thread;
    return EAGAIN; /* as pthread_create(3) without room for another thread */
}

static NOINLINE int load_both(void)
{
    pthread_t first = start(nothing, NULL), second;
    int error = start_second(&second);
    if (error && !right)
        return error;
    pthread_join(first, NULL);
    if (!error)
        pthread_join(second, NULL);
    return error;
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    CHECK(load_both() == EAGAIN);
    await_alone();
    return end_example();
}
