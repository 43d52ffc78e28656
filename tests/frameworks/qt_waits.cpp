/* Threads of the real Qt: `qt_waits HOW`. Prints "up"; ends with its input.
 *
 *   join    the main thread waits for a QThread that wants a lock of the main thread
 *   near    the main thread waits for a QThread that waits for input
 *   two     as near, and another QThread wants the lock of the main thread
 *   several as join, and two other QThreads wait for input
 *   circle  two QThreads wait for each other, and the main thread for a third one, which ends with the input
 *   timed   as join, but the main thread waits for an hour at most
 *   mutex   a thread locks its QMutex twice, and the main thread waits for it
 *   done    a QMutex that is given back, and a QThread that ends and is waited for */
#include <QMutex>
#include <QSemaphore>
#include <QThread>
#include <cstdio>
#include <cstring>
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static QMutex once;

static void read_input()
{
    char byte;
    while (read(0, &byte, 1) > 0)
        ;
    _exit(0);
}

static void want_lock()
{
    pthread_mutex_lock(&lock);
}

static void lock_twice()
{
    once.lock();
    once.lock();
}

static void lock_once()
{
    once.lock();
    once.unlock();
}

static QThread *waited_for[2];
static QSemaphore may_wait;

static void wait_for_first()
{
    may_wait.acquire();
    waited_for[0]->wait();
}

static void wait_for_second()
{
    may_wait.acquire();
    waited_for[1]->wait();
}

class Worker : public QThread
{
  public:
    explicit Worker(void (*of)()) : work(of)
    {
    }

  private:
    void run() override
    {
        work();
    }
    void (*work)();
};

/* Something must read the input in each case: a thread that is no QThread. */
static void *watch_input(void *)
{
    read_input();
    return nullptr;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "join";
    pthread_t reader;
    bool circle = !strcmp(how, "circle"), several = !strcmp(how, "several");
    bool near = !strcmp(how, "near") || !strcmp(how, "two") || circle || several;
    Worker one(circle ? wait_for_second : read_input), other(circle ? wait_for_first : read_input);
    Worker first(several                 ? want_lock
                 : near                  ? read_input
                 : !strcmp(how, "mutex") ? lock_twice
                 : !strcmp(how, "done")  ? lock_once
                                         : want_lock);
    Worker second(want_lock);
    pthread_mutex_lock(&lock);
    waited_for[0] = &one;
    waited_for[1] = &other;
    if (several || circle) {
        one.start();
        other.start();
        may_wait.release(2);
    }
    first.start();
    if (!strcmp(how, "two"))
        second.start();
    if (!near)
        pthread_create(&reader, nullptr, watch_input, nullptr);
    puts("up");
    fflush(stdout);
    strcmp(how, "timed") ? first.wait() : first.wait(3600000);
    read_input();
}
