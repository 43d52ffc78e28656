/* main ends by pthread_exit, another thread by exit(): main is no leak, the third thread is. */
#include "target.h"

static void *exit_after_main(void *main_thread)
{
    CHECK(pthread_join((pthread_t)main_thread, NULL) == 0);
    exit(0);
}

int main(void)
{
    start(stay, NULL);
    await_ready(1);
    start(exit_after_main, (void *)pthread_self());
    pthread_exit(NULL);
}
