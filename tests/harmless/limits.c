/* Limits of resources: what fails at them, and with which error. */
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sys/resource.h>

#include "harmless.h"

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *stay(void *unused)
{
    pthread_mutex_lock(&held);
    pthread_mutex_unlock(&held);
    return unused;
}

static int set_limit(int what, rlim_t value)
{
    struct rlimit limit;
    getrlimit(what, &limit);
    limit.rlim_cur = value;
    return setrlimit(what, &limit);
}

/* Creates until it fails: the error. All threads are joined, and one more works. */
static int create_until_it_fails(size_t stack_size, int most)
{
    static pthread_t threads[4000];
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, stack_size);
    pthread_mutex_lock(&held);
    int count = 0, error = 0;
    while (count < most && (error = pthread_create(&threads[count], &attr, stay, NULL)) == 0)
        count++;
    pthread_mutex_unlock(&held);
    for (int i = 0; i < count; i++)
        joined(threads[i]);
    return error;
}

static void become_nobody(void)
{
    if (geteuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
        _exit(9);
}

/* The limit counts all threads of the user: below it or above, so 1. Root has none. */
static void at_limit_of_threads(void)
{
    become_nobody();
    is("setrlimit", set_limit(RLIMIT_NPROC, 1), 0);
    pthread_t thread;
    errno = 0;
    is("pthread_create", pthread_create(&thread, NULL, nothing, NULL), EAGAIN);
    is("fork", fork() == -1 ? errno : 0, EAGAIN);
    is("vfork", vfork() == -1 ? errno : 0, EAGAIN);
    struct rlimit limit;
    getrlimit(RLIMIT_NPROC, &limit);
    set_limit(RLIMIT_NPROC, limit.rlim_max);
    is("without the limit", (long)run_thread(nothing, (void *)3), 3);
}

TEST(limit_of_threads)
{
    text_is("child", status_of(at_limit_of_threads), "exit 0");
    run_thread(nothing, NULL);
    text_is("child, after a thread", status_of(at_limit_of_threads), "exit 0");
}

static rlim_t used_memory(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu", &pages) != 1)
        return 0;
    fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

TEST(limit_of_address_space)
{
    run_thread(nothing, NULL);
    is("setrlimit", set_limit(RLIMIT_AS, used_memory() + (256u << 20)), 0);
    is("pthread_create", create_until_it_fails(32u << 20, 100), EAGAIN);
    is("and then", create_until_it_fails(1u << 20, 4), 0);
}

TEST(limit_of_address_space_at_the_first)
{
    is("setrlimit", set_limit(RLIMIT_AS, used_memory() + (64u << 20)), 0);
    is("pthread_create", create_until_it_fails(16u << 20, 100), EAGAIN);
}

static void *count_descriptors(void *unused)
{
    (void)unused;
    long count = 0;
    while (open("/dev/null", O_RDONLY) >= 0)
        count++;
    return (void *)(long)(errno * 1000 + count);
}

TEST(limit_of_descriptors)
{
    run_thread(nothing, NULL);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    is("setrlimit", set_limit(RLIMIT_NOFILE, 20), 0);
    is("EMFILE, and how many were free", (long)run_thread(count_descriptors, NULL), EMFILE * 1000 + 17);
    is("a thread", (long)run_thread(nothing, (void *)3), 3);
    text_is("a child", status_of(abort), "signal 6");
}

TEST(limit_of_descriptors_at_the_first)
{
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    is("setrlimit", set_limit(RLIMIT_NOFILE, 0), 0);
    is("a thread", (long)run_thread(nothing, (void *)3), 3);
}

TEST(limit_of_file_size)
{
    signal(SIGXFSZ, SIG_IGN);
    FILE *file = tmpfile();
    int error = set_limit(RLIMIT_FSIZE, 0);
    long value = (long)run_thread(nothing, (void *)3);
    int write_error = file && write(fileno(file), "x", 1) == -1 ? errno : 0;
    set_limit(RLIMIT_FSIZE, RLIM_INFINITY); /* the lines can go to a file */
    is("setrlimit", error, 0);
    is("a thread", value, 3);
    is("no file can grow", write_error, EFBIG);
}

/* The soft limit is not read again: glibc has read it at the start. */
TEST(limit_of_stack_later)
{
    pthread_attr_t before, after;
    size_t size_before, size_after;
    pthread_getattr_default_np(&before);
    pthread_attr_getstacksize(&before, &size_before);
    set_limit(RLIMIT_STACK, 1 << 20);
    pthread_getattr_default_np(&after);
    pthread_attr_getstacksize(&after, &size_after);
    is("the default is as before", size_before == size_after, 1);
    is("a thread", (long)run_thread(nothing, (void *)3), 3);
}

TEST(limit_of_pending_signals)
{
    run_thread(nothing, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 5);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    is("setrlimit", set_limit(RLIMIT_SIGPENDING, 0), 0);
    is("sigqueue", sigqueue(getpid(), SIGRTMIN + 5, (union sigval){0}) == -1 ? errno : 0, EAGAIN);
    is("kill needs no room", kill(getpid(), SIGRTMIN + 5), 0);
    is("it is pending", sigwaitinfo(&set, NULL), SIGRTMIN + 5);
    is("a thread", (long)run_thread(nothing, (void *)3), 3);
}

TEST(limit_of_locked_memory)
{
    is("setrlimit", set_limit(RLIMIT_MEMLOCK, 0), 0);
    is("a thread", (long)run_thread(nothing, (void *)3), 3);
}

TEST(limit_values)
{
    is("_SC_THREAD_KEYS_MAX", sysconf(_SC_THREAD_KEYS_MAX), PTHREAD_KEYS_MAX);
    is("_SC_THREAD_DESTRUCTOR_ITERATIONS", sysconf(_SC_THREAD_DESTRUCTOR_ITERATIONS),
       PTHREAD_DESTRUCTOR_ITERATIONS);
    is("_SC_THREAD_THREADS_MAX", sysconf(_SC_THREAD_THREADS_MAX), -1);
    is("_SC_ATEXIT_MAX", sysconf(_SC_ATEXIT_MAX) > 32, 1);
    is("_SC_THREADS", sysconf(_SC_THREADS), _POSIX_THREADS);
}
