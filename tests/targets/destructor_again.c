/* Destructors that set their key anew run their four rounds, and the thread's end is seen. */
#include "target.h"

static pthread_key_t keys[40];
static int rounds;

static void again(void *arg)
{
    rounds++;
    CHECK(pthread_setspecific(keys[39], arg) == 0);
}

static void *with_value(void *arg)
{
    CHECK(pthread_setspecific(keys[39], keys) == 0);
    return arg;
}

int main(void)
{
    for (int i = 0; i < 40; i++)
        CHECK(pthread_key_create(&keys[i], again) == 0);
    CHECK(pthread_join(start(with_value, NULL), NULL) == 0);
    printf("%d rounds\n", rounds);
    return 0;
}
