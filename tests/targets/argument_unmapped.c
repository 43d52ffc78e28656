/* The argument of a thread is in a mapping just above its creator's stack, and the thread unmaps it. */
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

enum { STACK = 256 << 10, PAGE = 4096, ROUNDS = 200 };

static char *above;

static void *unmap(void *arg)
{
    munmap(above, PAGE);
    return arg ? NULL : arg;
}

static void *create(void *arg)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, unmap, above) == 0)
        pthread_join(thread, NULL);
    return arg;
}

int main(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t thread;
        pthread_attr_t attr;
        char *memory = mmap(NULL, STACK + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        above = memory + STACK;
        pthread_attr_init(&attr);
        pthread_attr_setstack(&attr, memory, STACK);
        if (memory == MAP_FAILED || pthread_create(&thread, &attr, create, NULL) != 0)
            return 2;
        pthread_join(thread, NULL);
        munmap(memory, STACK);
    }
    return puts("done") < 0;
}
