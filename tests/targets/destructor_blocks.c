/* A thread whose own thread-specific destructor never returns is alive. */
#include "target.h"

static pthread_key_t key;

static void block(void *arg)
{
    stay(arg);
}

static void *with_value(void *arg)
{
    CHECK(pthread_setspecific(key, &key) == 0);
    return arg;
}

int main(void)
{
    CHECK(pthread_key_create(&key, block) == 0);
    start(with_value, NULL);
    await_ready(1);
    return 0;
}
