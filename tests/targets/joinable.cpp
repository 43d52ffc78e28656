// Ways to destroy a joinable std::thread, or to give it another thread; and other ways to std::terminate.
//
//   joinable WHAT
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <future>
#include <memory>
#include <semaphore.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>
#include <vector>

#include "attributes.h"

static sem_t begun; // not everything is recorded of a thread that has not begun

static void work()
{
    sem_post(&begun);
    for (;;)
        pause();
}

static void nothing()
{
}

static std::promise<void> work_is_over;

struct Pool {
    std::thread worker;
};

static std::thread global;

static NOINLINE void fail()
{
    throw std::runtime_error("failed");
}

// ---- a joinable thread --------------------------------------------------------------

static NOINLINE void early_return()
{
    std::thread thread(work);
    sem_wait(&begun);
}

static NOINLINE void assignment()
{
    std::thread thread(work);
    sem_wait(&begun);
    thread = std::thread();
}

static NOINLINE void member()
{
    auto pool = std::make_unique<Pool>();
    pool->worker = std::thread(work);
}

static NOINLINE void vector()
{
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; i++)
        threads.emplace_back(work);
}

static NOINLINE void exception()
{
    try {
        std::thread thread(work);
        fail();
        thread.join();
    } catch (const std::exception &) {
    }
}

static NOINLINE void finished()
{
    std::thread thread([] { work_is_over.set_value_at_thread_exit(); });
    work_is_over.get_future().wait();
}

static NOINLINE void at_exit()
{
    global = std::thread(work);
    exit(0);
}

static NOINLINE void other_is_detached()
{
    std::thread other(work);
    other.detach();
    std::thread thread(work);
}

static NOINLINE void other_is_no_object()
{
    pthread_t other;
    if (pthread_create(
            &other, nullptr,
            [](void *) -> void * {
                for (;;)
                    pause();
            },
            nullptr) == 0)
        std::thread thread(work);
}

static NOINLINE void other_is_of_future()
{
    auto task = std::async(std::launch::async, work);
    std::thread thread(work);
}

static NOINLINE void two_places()
{
    global = std::thread(work);
    std::thread thread(work);
    sem_wait(&begun);
    sem_wait(&begun);
}

static std::vector<std::thread> pool;

static NOINLINE void start_pool()
{
    for (int i = 0; i < 5; i++)
        pool.emplace_back(work);
}

static NOINLINE void start_another()
{
    std::thread thread(work);
    for (int i = 0; i < 6; i++)
        sem_wait(&begun);
}

static NOINLINE void beside_a_pool()
{
    start_pool();
    start_another();
}

static NOINLINE void its_own()
{
    static std::promise<void> may_reset;
    auto *thread = new std::unique_ptr<std::thread>;
    *thread = std::make_unique<std::thread>([thread] {
        may_reset.get_future().wait();
        thread->reset();
    });
    may_reset.set_value();
    pause();
}

// ---- others ----------------------------------------------------------------------------

static NOINLINE void keep()
{
    new std::thread(work);
}

static NOINLINE void uncaught()
{
    std::thread thread(work);
    fail();
    thread.join();
}

static NOINLINE void uncaught_in_thread()
{
    keep();
    std::thread(fail).join();
}

static NOINLINE void not_caught_by_noexcept() noexcept
{
    keep();
    fail();
}

static NOINLINE void terminate()
{
    keep();
    std::terminate();
}

static NOINLINE void aborted()
{
    keep();
    abort();
}

static NOINLINE void joined()
{
    std::thread thread(nothing);
    thread.join();
    abort();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)();
    } ways[] = {
#define WAY(name) {#name, name}
        WAY(early_return),
        WAY(assignment),
        WAY(member),
        WAY(vector),
        WAY(exception),
        WAY(finished),
        WAY(at_exit),
        WAY(other_is_detached),
        WAY(other_is_no_object),
        WAY(other_is_of_future),
        WAY(two_places),
        WAY(beside_a_pool),
        WAY(its_own),
        WAY(uncaught),
        WAY(uncaught_in_thread),
        WAY(not_caught_by_noexcept),
        WAY(terminate),
        WAY(aborted),
        WAY(joined),
    };
    for (const auto &way : ways)
        if (argc >= 2 && strcmp(argv[1], way.name) == 0)
            way.run();
    return 3;
}
