/* Creation as a tail call: the existing frame is shown, and no other is invented. */
#include "target.h"

static pthread_t thread;

static NOINLINE int create_last(void)
{
    return pthread_create(&thread, NULL, stay, NULL);
}

int main(void)
{
    CHECK(create_last() == 0);
    await_ready(1);
    return 0;
}
