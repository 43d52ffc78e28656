/* A thread calls exit(): it is no leak, nor is main, which waits for it; the other thread is. */
#include "target.h"

static void *call_exit(void *arg)
{
    (void)arg;
    exit(0);
}

int main(void)
{
    start(stay, NULL);
    await_ready(1);
    pthread_join(start(call_exit, NULL), NULL);
    CHECK(!"joined");
}
