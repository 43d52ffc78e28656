/* A creation fails, and its result is ignored: the creator waits for a thread that does not exist. */
#include "target.h"

int main(void)
{
    char byte;
    pthread_t thread;
    pthread_attr_t attr;
    CHECK(pthread_attr_init(&attr) == 0);
    CHECK(pthread_attr_setstacksize(&attr, (size_t)1 << 46) == 0);
    start_and_see_finish();
    start(stay, NULL);
    await_ready(1);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&thread, &attr, stay, NULL) == EAGAIN);
    CHECK(printf("up\n") == 3 && fflush(stdout) == 0);
    CHECK(read(0, &byte, 1) == 0);
    syscall(SYS_exit_group, 0);
}
