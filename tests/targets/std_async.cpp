// std::async: one future is waited for, the other one is never let go of.
#include <cstdio>
#include <future>
#include <semaphore.h>
#include <unistd.h>

static sem_t ready;

__attribute__((noinline)) static std::future<int> *ask_in_vain()
{
    return new std::future<int>(std::async(std::launch::async, [] {
        sem_post(&ready);
        for (;;)
            pause();
        return 1;
    }));
}

int main()
{
    sem_init(&ready, 0, 0);
    std::printf("%d\n", std::async(std::launch::async, [] { return 42; }).get());
    ask_in_vain();
    sem_wait(&ready);
    return 0;
}
