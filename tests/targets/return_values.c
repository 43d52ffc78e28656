/* What a thread returns arrives, whatever its type and way to end. */
#include "target.h"

static void *by_exit(void *arg)
{
    pthread_exit(arg);
}

static int thrd_by_return(void *arg)
{
    return *(int *)arg;
}

static int thrd_by_exit(void *arg)
{
    thrd_exit(*(int *)arg);
}

int main(void)
{
    void *value;
    thrd_t thread;
    int code, numbers[] = {-7, 0, 2147483647};

    CHECK(pthread_join(start(nothing, (void *)0x123456789abcdef0), &value) == 0);
    printf("return: %p\n", value);
    CHECK(pthread_join(start(by_exit, (void *)-1), &value) == 0);
    printf("pthread_exit: %p\n", value);
    pthread_t cancelled = start(stay, NULL);
    CHECK(pthread_cancel(cancelled) == 0);
    CHECK(pthread_join(cancelled, &value) == 0);
    printf("cancelled: %d\n", value == PTHREAD_CANCELED);
    for (int i = 0; i < 3; i++) {
        CHECK(thrd_create(&thread, thrd_by_return, &numbers[i]) == thrd_success);
        CHECK(thrd_join(thread, &code) == thrd_success);
        printf("thrd return: %d\n", code);
        CHECK(thrd_create(&thread, thrd_by_exit, &numbers[i]) == thrd_success);
        CHECK(thrd_join(thread, &code) == thrd_success);
        printf("thrd_exit: %d\n", code);
    }
    return 0;
}
