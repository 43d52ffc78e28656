/* Alive at the end: two of one site, one of another. */
#include "target.h"

static NOINLINE void start_pool(int n)
{
    for (int i = 0; i < n; i++)
        start(stay, NULL);
}

static NOINLINE void start_listener(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
}

int main(void)
{
    start_pool(2);
    start_listener();
    await_ready(3);
    return 0;
}
