/* A thread-specific destructor creates a thread, which stays. */
#include "target.h"

static pthread_key_t key;

static NOINLINE void create_on_the_way_out(void *arg)
{
    (void)arg;
    start(stay, NULL);
}

static void *with_value(void *arg)
{
    CHECK(pthread_setspecific(key, &key) == 0);
    return arg;
}

int main(void)
{
    CHECK(pthread_key_create(&key, create_on_the_way_out) == 0);
    CHECK(pthread_join(start(with_value, NULL), NULL) == 0);
    await_ready(1);
    return 0;
}
