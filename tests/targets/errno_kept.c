/* No call that succeeds changes errno, and nothing changes the signal mask. */
#include "target.h"

static int thrd_nothing(void *arg)
{
    (void)arg;
    return errno;
}

int main(void)
{
    thrd_t c11_thread;
    sigset_t before, after;

    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &before) == 0);
    errno = 4242;
    for (int i = 0; i < 3; i++) {
        pthread_t thread = start(nothing, NULL);
        CHECK(errno == 4242);
        CHECK(pthread_setname_np(pthread_self(), "errno") == 0 && errno == 4242);
        CHECK(pthread_join(thread, NULL) == 0 && errno == 4242);
        thread = start(nothing, NULL);
        CHECK(pthread_detach(thread) == 0 && errno == 4242);
        CHECK(thrd_create(&c11_thread, thrd_nothing, NULL) == thrd_success && errno == 4242);
        CHECK(thrd_join(c11_thread, NULL) == thrd_success && errno == 4242);
    }
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &after) == 0);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
    puts("kept");
    return 0;
}
