/* Threads of C++ that wait for each other, and near misses: `owners_cxx KIND HOW`. Prints "up" when the other
 * thread runs; ends with its input.
 *
 *   KIND  mutex shared_mutex jthread call_once guard guard_inlined guard_self boost qt
 *   HOW   dead   the main thread holds it, and joins a thread that wants it
 *         near   it waits for its input instead
 *         other  mutex: it waits for at most an hour; shared_mutex: it is a reader; call_once, guard: another
 * object; boost, qt: two threads of that kind */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <thread>

static sem_t may_want;
static std::function<void()> wait_now;

static void await(sem_t *event)
{
    while (sem_wait(event) != 0)
        ;
}

static void wait_for_input()
{
    for (;;)
        pause();
}

static void say_up()
{
    sem_post(&may_want);
    if (write(1, "up\n", 3) != 3)
        _exit(3);
}

static std::thread start(std::function<void()> want)
{
    return std::thread([want] {
        await(&may_want);
        want();
        wait_for_input();
    });
}

/* ---- locks --------------------------------------------------------------------------- */

static std::mutex mutex;
static std::timed_mutex timed_mutex;
static std::shared_mutex shared_mutex;

static void of_mutex(const char *how)
{
    if (!strcmp(how, "other")) {
        std::lock_guard<std::timed_mutex> hold(timed_mutex);
        std::thread thread = start([] { (void)timed_mutex.try_lock_for(std::chrono::hours(1)); });
        say_up();
        thread.join();
    }
    std::lock_guard<std::mutex> hold(mutex);
    std::thread thread = start([] { mutex.lock(); });
    wait_now = [&thread] { thread.join(); };
    say_up();
    !strcmp(how, "dead") ? thread.join() : wait_for_input();
}

static void of_shared_mutex(const char *how)
{
    std::shared_lock<std::shared_mutex> read(shared_mutex, std::defer_lock);
    std::unique_lock<std::shared_mutex> write(shared_mutex, std::defer_lock);
    strcmp(how, "other") ? write.lock() : read.lock();
    std::thread thread = start([] { shared_mutex.lock(); });
    say_up();
    strcmp(how, "near") ? thread.join() : wait_for_input();
}

static void of_jthread(const char *how)
{
    std::lock_guard<std::mutex> hold(mutex);
    std::jthread thread([] {
        await(&may_want);
        mutex.lock();
    });
    say_up();
    if (strcmp(how, "dead"))
        wait_for_input();
}

/* ---- initialisations -------------------------------------------------------------------- */

static std::once_flag once, other_once;

static void of_call_once(const char *how)
{
    bool is_other = !strcmp(how, "other");
    std::thread thread = start([is_other] { std::call_once(is_other ? other_once : once, wait_for_input); });
    std::call_once(once, [&thread, how] {
        say_up();
        strcmp(how, "near") ? thread.join() : wait_for_input();
    });
}

static int initialise()
{
    wait_now();
    return 1;
}

__attribute__((noinline)) static int guarded()
{
    static int value = initialise();
    return value;
}

__attribute__((noinline)) static int guarded_too()
{
    static int value = initialise();
    return value;
}

__attribute__((always_inline)) static inline int guarded_inlined()
{
    static int value = initialise();
    return value;
}

template <typename Main, typename Thread>
static void of_guards(const char *how, Main in_main, Thread in_thread)
{
    static thread_local bool is_other_thread;
    std::thread thread = start([in_thread] {
        is_other_thread = true;
        in_thread();
    });
    wait_now = [&thread, how] {
        if (is_other_thread)
            wait_for_input();
        say_up();
        strcmp(how, "near") ? thread.join() : wait_for_input();
    };
    in_main();
}

static void of_guard(const char *how)
{
    bool is_other = !strcmp(how, "other");
    of_guards(how, guarded, [is_other] { is_other ? guarded_too() : guarded(); });
}

static void of_guard_inlined(const char *how)
{
    of_guards(
        how, [] { guarded_inlined(); }, [] { guarded_inlined(); });
}

static void of_guard_self(const char *how)
{
    std::thread thread = start([] {});
    wait_now = [how] {
        say_up();
        strcmp(how, "near") ? (void)guarded() : wait_for_input();
    };
    guarded();
}

/* ---- joins that are condition waits: as Boost.Thread and Qt write them ----------------------- */

namespace boost
{
struct thread_data {
    void *vtable;
    pthread_t handle;
    pthread_mutex_t data_mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_t internal_mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t done = PTHREAD_COND_INITIALIZER;
    std::function<void()> run;
};

extern "C" void *thread_proxy(void *data)
{
    static_cast<thread_data *>(data)->run();
    return nullptr;
}

class thread
{
  public:
    thread_data *data;
    explicit thread(std::function<void()> run) : data(new thread_data{})
    {
        data->run = run;
        pthread_create(&data->handle, nullptr, thread_proxy, data);
    }
    __attribute__((noinline)) void join()
    {
        pthread_mutex_lock(&data->data_mutex);
        pthread_cond_wait(&data->done, &data->data_mutex);
    }
};
} // namespace boost

class QThreadPrivate
{
  public:
    static void *start(void *run)
    {
        (*static_cast<std::function<void()> *>(run))();
        return nullptr;
    }
};

class QThread
{
    std::mutex lock;
    std::condition_variable done;

  public:
    explicit QThread(std::function<void()> run)
    {
        pthread_t handle;
        pthread_create(&handle, nullptr, QThreadPrivate::start, new std::function<void()>(run));
        pthread_detach(handle);
    }
    __attribute__((noinline)) bool wait()
    {
        std::unique_lock<std::mutex> hold(lock);
        done.wait(hold);
        return true;
    }
};

static void want_lock()
{
    await(&may_want);
    mutex.lock();
}

template <class thread_class> static void of_library(const char *how, void (*join)(thread_class &))
{
    std::lock_guard<std::mutex> hold(mutex);
    thread_class thread(want_lock);
    if (!strcmp(how, "other"))
        new thread_class(wait_for_input);
    say_up();
    strcmp(how, "near") ? join(thread) : wait_for_input();
}

int main(int argc, char **argv)
{
    const char *kind = argc == 3 ? argv[1] : "", *how = argc == 3 ? argv[2] : "";
    sem_init(&may_want, 0, 0);
    fcntl(0, F_SETOWN, getpid());
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_ASYNC);
    if (!strcmp(kind, "mutex"))
        of_mutex(how);
    else if (!strcmp(kind, "shared_mutex"))
        of_shared_mutex(how);
    else if (!strcmp(kind, "jthread"))
        of_jthread(how);
    else if (!strcmp(kind, "call_once"))
        of_call_once(how);
    else if (!strcmp(kind, "guard"))
        of_guard(how);
    else if (!strcmp(kind, "guard_inlined"))
        of_guard_inlined(how);
    else if (!strcmp(kind, "guard_self"))
        of_guard_self(how);
    else if (!strcmp(kind, "boost"))
        of_library<boost::thread>(how, [](boost::thread &thread) { thread.join(); });
    else if (!strcmp(kind, "qt"))
        of_library<QThread>(how, [](QThread &thread) { thread.wait(); });
    return 3;
}
