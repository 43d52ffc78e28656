/* Built with AddressSanitizer, whose runtime wants to be the first one loaded. */
#include "target.h"

static NOINLINE void start_pool(void)
{
    start(stay, NULL);
}

int main(void)
{
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    start_pool();
    await_ready(1);
    return 0;
}
