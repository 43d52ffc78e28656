/* A thread that waits for an object of C++ which nothing can reach any more, and near misses: `stuck_cxx KIND
 * HOW`. Prints "up" when the thread runs; ends with its input.
 *
 *   KIND  condition_variable latch barrier future semaphore
 *   HOW   dead    the main thread has dropped its reference
 *         near    a static variable still has it
 *         timed   the wait has a timeout (not latch, barrier)
 *         other   a thread that sleeps for an hour has it */
#include <fcntl.h>
#include <semaphore.h>
#include <unistd.h>

#include <barrier>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <thread>

using std::chrono::hours;

static sem_t started;
static std::shared_ptr<void> kept;

struct event {
    std::mutex mutex;
    std::condition_variable set;
    bool is_set = false;
};

template <class object_class>
static void run(std::shared_ptr<object_class> object, const char *how,
                std::function<void(object_class &)> wait)
{
    if (!strcmp(how, "near"))
        kept = object;
    if (!strcmp(how, "other"))
        std::thread([object] { std::this_thread::sleep_for(hours(1)); }).detach();
    std::thread([object, wait] {
        sem_post(&started);
        wait(*object);
    }).detach();
    while (sem_wait(&started) != 0)
        ;
}

__attribute__((noinline)) static void begin(const char *kind, const char *how)
{
    bool is_timed = !strcmp(how, "timed");
    if (!strcmp(kind, "condition_variable"))
        run<event>(std::make_shared<event>(), how, [is_timed](event &event) {
            std::unique_lock<std::mutex> hold(event.mutex);
            if (is_timed)
                event.set.wait_for(hold, hours(1), [&event] { return event.is_set; });
            else
                event.set.wait(hold, [&event] { return event.is_set; });
        });
    else if (!strcmp(kind, "latch"))
        run<std::latch>(std::make_shared<std::latch>(1), how, [](std::latch &latch) { latch.wait(); });
    else if (!strcmp(kind, "barrier"))
        run<std::barrier<>>(std::make_shared<std::barrier<>>(2), how,
                            [](std::barrier<> &barrier) { barrier.arrive_and_wait(); });
    else if (!strcmp(kind, "future"))
        run<std::promise<int>>(std::make_shared<std::promise<int>>(), how,
                               [is_timed](std::promise<int> &promise) {
                                   std::future<int> future = promise.get_future();
                                   if (is_timed)
                                       future.wait_for(hours(1));
                                   else
                                       future.wait();
                               });
    else
        run<std::counting_semaphore<>>(std::make_shared<std::counting_semaphore<>>(0), how,
                                       [is_timed](std::counting_semaphore<> &semaphore) {
                                           if (is_timed)
                                               (void)semaphore.try_acquire_for(hours(1));
                                           else
                                               semaphore.acquire();
                                       });
}

/* What begin() left below the stack pointer. */
__attribute__((noinline)) static void clear_stack()
{
    volatile char room[16384];
    for (size_t i = 0; i < sizeof(room); i++)
        room[i] = 0;
}

int main(int argc, char **argv)
{
    if (argc != 3 || sem_init(&started, 0, 0) != 0)
        return 3;
    fcntl(0, F_SETOWN, getpid());
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_ASYNC);
    begin(argv[1], argv[2]);
    clear_stack();
    if (write(1, "up\n", 3) != 3)
        return 3;
    for (;;)
        pause();
}
