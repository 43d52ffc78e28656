/* main ends by pthread_exit; the last thread to end leaves one behind that nobody joined. */
#include "target.h"

static void *outlive_main(void *main_thread)
{
    CHECK(pthread_join((pthread_t)main_thread, NULL) == 0);
    return NULL;
}

int main(void)
{
    start_and_see_finish();
    CHECK(pthread_detach(start(outlive_main, (void *)pthread_self())) == 0);
    pthread_exit(NULL);
}
