/* Creation in a function that the compiler inlined into another: both are shown. */
#include "target.h"

static inline __attribute__((always_inline)) void create_inlined(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
}

static NOINLINE void outer(void)
{
    create_inlined();
    await_ready(1);
}

int main(void)
{
    outer();
    return 0;
}
