/* pthread_create and thrd_create fail for want of memory or processes; the one that succeeds stays. */
#include <sys/resource.h>

#include "target.h"

static int never(void *arg)
{
    (void)arg;
    CHECK(!"started");
    return 0;
}

int main(void)
{
    pthread_t thread;
    thrd_t c11_thread;
    pthread_attr_t attr;

    CHECK(pthread_attr_init(&attr) == 0);
    CHECK(pthread_attr_setstacksize(&attr, (size_t)1 << 46) == 0);
    CHECK(pthread_create(&thread, &attr, stay, NULL) == EAGAIN);
    puts("no memory: EAGAIN");

    start(stay, NULL);
    await_ready(1);

    struct rlimit none = {0, 0};
    if (getuid() == 0)
        CHECK(setresuid(65534, 65534, 65534) == 0);
    CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
    CHECK(pthread_create(&thread, NULL, stay, NULL) == EAGAIN);
    CHECK(thrd_create(&c11_thread, never, NULL) == thrd_error);
    puts("no processes: EAGAIN, thrd_error");
    return 0;
}
