/* pthread_create fails with EINVAL after the kernel made the thread: no such CPU. */
#include "target.h"

int main(void)
{
    pthread_t thread;
    pthread_attr_t attr;
    cpu_set_t none;

    CPU_ZERO(&none);
    CPU_SET(CPU_SETSIZE - 1, &none);
    CHECK(pthread_attr_init(&attr) == 0);
    CHECK(pthread_attr_setaffinity_np(&attr, sizeof(none), &none) == 0);
    for (int i = 0; i < 100; i++)
        CHECK(pthread_create(&thread, &attr, stay, NULL) == EINVAL);
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    puts("EINVAL");
    return 0;
}
