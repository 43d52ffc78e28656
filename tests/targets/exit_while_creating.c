/* Four threads go on making threads while another calls exit(). */
#include "target.h"

static void *create_for_ever(void *arg)
{
    for (int i = 0;; i++) {
        if (i == 50)
            sem_post(&ready);
        CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    }
    return arg;
}

static void *call_exit(void *arg)
{
    await_ready(4);
    exit(*(int *)arg);
}

int main(void)
{
    int status = 11;
    for (int i = 0; i < 4; i++)
        start(create_for_ever, NULL);
    start(call_exit, &status);
    for (;;)
        pause();
}
