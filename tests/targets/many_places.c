/* Creates threads from 512 different backtraces and joins them.  Those of one more stay. */
#include "target.h"

enum { DEPTH = 9 };

static NOINLINE void create(void *(*routine)(void *))
{
    pthread_attr_t small;
    pthread_t thread;
    CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 65536) == 0);
    CHECK(pthread_create(&thread, &small, routine, NULL) == 0);
    if (routine == nothing)
        CHECK(pthread_join(thread, NULL) == 0);
}

/* Each bit chooses one of two places for the next call. */
static NOINLINE void go_on(unsigned bits, int depth)
{
    if (depth == 0)
        create(nothing);
    else if (bits & 1)
        go_on(bits >> 1, depth - 1);
    else
        go_on(bits >> 1, depth - 1);
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

int main(void)
{
    for (unsigned path = 0; path < 1u << DEPTH; path++)
        go_on(path, DEPTH);
    create(stay);
    await_ready(1);
    return 0;
}
