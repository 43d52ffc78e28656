/* The main thread waits for the result of a task, which waits for the result of a second task of the same
 * pool. The pool has one thread, so the second task never begins. Another pool is idle, and only the main
 * thread could stop it. */
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <unistd.h>

class Pool
{
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> tasks;
    std::thread worker;

    void work()
    {
        for (;;) {
            std::unique_lock<std::mutex> lock(mutex);
            changed.wait(lock, [this] { return !tasks.empty(); });
            std::function<void()> task = std::move(tasks.front());
            tasks.pop_front();
            lock.unlock();
            task();
        }
    }

  public:
    Pool() : worker([this] { work(); })
    {
    }

    template <class Function> std::future<int> submit(Function function)
    {
        auto task = std::make_shared<std::packaged_task<int()>>(function);
        std::lock_guard<std::mutex> lock(mutex);
        tasks.push_back([task] { (*task)(); });
        changed.notify_one();
        return task->get_future();
    }
};

int main()
{
    auto idle = std::make_unique<Pool>(), one = std::make_unique<Pool>();
    idle->submit([] { return 0; }).get();
    auto outer = one->submit([&one] {
        auto inner = one->submit([] { return 1; });
        return write(1, "up\n", 3) == 3 ? inner.get() : 3;
    });
    return outer.get();
}
