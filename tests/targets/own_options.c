/* Leaves a thread that runs, or one that will have ended in a moment, and has a say in what of that counts:
 * own_options run|ends|dies [SET].  OWN_DEFAULTS in the environment is what it brings. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <threadleak.h>

const char *__threadleak_default_options(void)
{
    return getenv("OWN_DEFAULTS");
}

static void *stay(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void *end(void *arg)
{
    usleep(100000);
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc < 2 || pthread_create(&thread, NULL, strcmp(argv[1], "ends") ? stay : end, NULL) != 0)
        return 2;
    pthread_detach(thread);
    if (argc > 2 && threadleak_set_options(argv[2]) != 0)
        return 3;
    return strcmp(argv[1], "dies") ? 0 : raise(SIGKILL);
}
