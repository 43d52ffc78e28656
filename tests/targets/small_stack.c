/* A thread on the smallest stack that is allowed, and one on a stack that the program allocated. */
#include <sys/mman.h>

#include "target.h"

int main(void)
{
    pthread_t thread;
    pthread_attr_t attr;
    void *value;
    size_t size = (size_t)sysconf(_SC_THREAD_STACK_MIN);

    CHECK(pthread_attr_init(&attr) == 0);
    CHECK(pthread_attr_setstacksize(&attr, size) == 0);
    CHECK(pthread_create(&thread, &attr, nothing, &size) == 0);
    CHECK(pthread_join(thread, &value) == 0 && value == &size);

    void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED);
    CHECK(pthread_attr_setstack(&attr, stack, size) == 0);
    CHECK(pthread_create(&thread, &attr, stay, NULL) == 0);
    await_ready(1);
    return 0;
}
