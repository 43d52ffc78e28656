/* Two threads write one variable without a lock, which ThreadSanitizer finds; a third thread is left. */
#include <pthread.h>
#include <unistd.h>

static int counter;

static void *count(void *arg)
{
    counter++;
    return arg;
}

static void *forgotten(void *arg)
{
    for (;;)
        pause();
    return arg;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, count, NULL);
    counter++;
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, forgotten, NULL);
    return 0;
}
