/* Alive at the end and detached: by attribute, and by pthread_detach. */
#include "target.h"

static NOINLINE void start_by_attribute(void)
{
    pthread_t thread;
    pthread_attr_t attr;
    CHECK(pthread_attr_init(&attr) == 0);
    CHECK(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0);
    CHECK(pthread_create(&thread, &attr, stay, NULL) == 0);
    CHECK(pthread_attr_destroy(&attr) == 0);
}

static NOINLINE void start_by_call(void)
{
    pthread_t thread = start(stay, NULL);
    CHECK(pthread_detach(thread) == 0);
}

int main(void)
{
    start_by_attribute();
    start_by_call();
    await_ready(2);
    return 0;
}
