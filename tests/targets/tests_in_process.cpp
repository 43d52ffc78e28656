/* Two tests of GoogleTest's names that leave a thread each, and a thread of no test. */
#include <pthread.h>
#include <unistd.h>

static void *stay(void *)
{
    for (;;)
        pause();
}

static void leave_a_thread()
{
    pthread_t thread;
    if (pthread_create(&thread, nullptr, stay, nullptr))
        _exit(3);
}

struct Pool_Starts_Test {
    __attribute__((noinline)) void TestBody()
    {
        leave_a_thread();
        asm volatile("");
    }
};

struct Pool_Ends_Test {
    __attribute__((noinline)) void TestBody()
    {
        leave_a_thread();
        asm volatile("" : : : "memory");
        asm volatile("nop"); /* other code than the first, so that no linker makes them one */
    }
};

int main()
{
    Pool_Starts_Test().TestBody();
    Pool_Ends_Test().TestBody();
    leave_a_thread();
    return 0;
}
