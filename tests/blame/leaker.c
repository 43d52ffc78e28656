/* Leaks one thread, and ends well; "clean" as argument: joins it. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static void *wait_for_ever(void *arg)
{
    while (!arg || *(char *)arg != 'c')
        pause();
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, argc > 1 ? argv[1] : NULL);
    if (argc > 1 && strcmp(argv[1], "clean") == 0)
        pthread_join(thread, NULL);
    return 0;
}
