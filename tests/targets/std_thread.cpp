// std::thread: one joined, one detached and alive, one never joined.  The site is the user's frame.
#include <cstdio>
#include <semaphore.h>
#include <thread>
#include <unistd.h>

namespace shop
{
static sem_t ready;

class Counter
{
  public:
    explicit Counter(int start) : value(start)
    {
    }
    __attribute__((noinline)) std::thread *start()
    {
        return new std::thread([this](int by) { run(by); }, 2);
    }

  private:
    void run(int by)
    {
        value += by;
        sem_post(&ready);
        for (;;)
            pause();
    }
    int value;
};
} // namespace shop

int main()
{
    sem_init(&shop::ready, 0, 0);
    std::thread joined([] { std::puts("joined"); });
    joined.join();

    auto *counter = new shop::Counter(1);
    counter->start();
    counter->start()->detach();
    for (int i = 0; i < 2; i++)
        sem_wait(&shop::ready);
    std::fflush(stdout);
    return 0;
}
