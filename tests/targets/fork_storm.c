/* Four threads fork while four others create and join: every child and thread ends well. */
#include "target.h"

enum { ROUNDS = 25 };

static void *create_and_join(void *arg)
{
    for (int i = 0; i < 20 * ROUNDS; i++)
        CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    return arg;
}

static void *fork_and_wait(void *arg)
{
    int status;
    for (int i = 0; i < ROUNDS; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
            exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    return arg;
}

int main(void)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        threads[i] = start(i % 2 ? create_and_join : fork_and_wait, NULL);
    for (int i = 0; i < 8; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    puts("done");
    return 0;
}
