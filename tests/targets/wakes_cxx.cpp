// A pool whose destructor wakes its worker before the worker waits, and joins it. It prints "up" before the
// join.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unistd.h>

class task_pool
{
    std::mutex lock;
    std::condition_variable changed;
    std::atomic<bool> stopping{false};
    std::thread worker{[this] { work(); }};

    void work()
    {
        while (!stopping) // the bug: checked without the lock, and not again
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        std::unique_lock<std::mutex> locked(lock);
        changed.wait(locked);
    }

  public:
    ~task_pool()
    {
        changed.notify_all();
        stopping = true;
        if (write(1, "up\n", 3) == 3)
            worker.join();
    }
};

int main()
{
    task_pool pool;
}
