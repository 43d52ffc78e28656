// A vector of std::thread, which grows now and then: all of them are of one place.
#include <semaphore.h>
#include <thread>
#include <unistd.h>
#include <vector>

static sem_t ready;

static void work()
{
    sem_post(&ready);
    for (;;)
        pause();
}

int main()
{
    sem_init(&ready, 0, 0);
    auto *pool = new std::vector<std::thread>;
    for (int i = 0; i < 8; i++)
        pool->emplace_back(work);
    for (int i = 0; i < 8; i++)
        sem_wait(&ready);
    return 0;
}
