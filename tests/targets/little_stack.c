/* Threads are created and joined with less and less stack left, down to 2 KiB. */
#include "target.h"

#define STACK 262144 /* not a small one */
#define MOST 16384
#define LEAST 2048
#define STEP 256

static char *lowest;
static long wanted;

static NOINLINE void create_with_little(void)
{
    char padding[128];
    memset(padding, 1, sizeof(padding));
    __asm__ volatile("" : : "r"(padding) : "memory");
    if ((char *)__builtin_frame_address(0) - lowest > wanted + 256) {
        create_with_little();
    } else {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    __asm__ volatile("" : : "r"(padding) : "memory"); /* no tail call */
}

static void *run(void *arg)
{
    pthread_attr_t attr;
    void *stack = NULL;
    size_t size;
    CHECK(pthread_getattr_np(pthread_self(), &attr) == 0 && pthread_attr_getstack(&attr, &stack, &size) == 0);
    pthread_attr_destroy(&attr);
    lowest = stack;
    create_with_little();
    return arg;
}

int main(void)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    CHECK(pthread_attr_setstacksize(&attr, STACK) == 0);
    for (wanted = MOST; wanted >= LEAST; wanted -= STEP) {
        pthread_t thread;
        CHECK(pthread_create(&thread, &attr, run, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    return 0;
}
