/* Ten threads stay, and three others create and join threads until the input ends. */
#include "target.h"

static void *short_life(void *arg)
{
    usleep(300);
    return arg;
}

static void *create_and_join(void *arg)
{
    for (pthread_t thread;;) {
        CHECK(pthread_create(&thread, NULL, short_life, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    return arg;
}

int main(void)
{
    char byte;
    for (int i = 0; i < 10; i++)
        start(stay, NULL);
    for (int i = 0; i < 3; i++)
        start(create_and_join, NULL);
    await_ready(10);
    CHECK(write(1, "up\n", 3) == 3);
    CHECK(read(0, &byte, 1) == 0);
    _exit(0);
}
