/* Threads of the real Boost: `boost_waits HOW`. Prints "up"; ends with its input.
 *
 *   join    the main thread joins a thread that wants a lock of the main thread
 *   near    the main thread joins a thread that waits for input
 *   timed   as join, but the main thread waits for an hour at most */
#include <boost/thread.hpp>
#include <cstdio>
#include <cstring>
#include <unistd.h>

static boost::mutex lock;

static void read_input()
{
    char byte;
    while (read(0, &byte, 1) > 0)
        ;
    _exit(0);
}

static void want_lock()
{
    lock.lock();
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "join";
    lock.lock();
    boost::thread thread(strcmp(how, "near") ? want_lock : read_input);
    boost::thread reader;
    if (strcmp(how, "near"))
        reader = boost::thread(read_input);
    puts("up");
    fflush(stdout);
    if (strcmp(how, "timed"))
        thread.join();
    else
        thread.timed_join(boost::posix_time::hours(1));
    return 3;
}
