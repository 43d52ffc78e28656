/* main ends by pthread_exit. The process ends with its last thread, which nobody joined. */
#include "target.h"

static void *outlive_main(void *main_thread)
{
    CHECK(pthread_join((pthread_t)main_thread, NULL) == 0);
    puts("last");
    return NULL;
}

int main(void)
{
    start(outlive_main, (void *)pthread_self());
    pthread_exit(NULL);
}
