/* Names, numbers and clocks of threads. */
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "harmless.h"

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *stay(void *unused)
{
    pthread_mutex_lock(&held);
    pthread_mutex_unlock(&held);
    return unused;
}

static pthread_t begin_stay(void)
{
    pthread_mutex_lock(&held);
    return begin(stay, NULL);
}

static void *name_of_self(void *out)
{
    prctl(PR_GET_NAME, out);
    return NULL;
}

TEST(name_of_main)
{
    char name[16];
    is("pthread_setname_np", pthread_setname_np(pthread_self(), "renamed"), 0);
    is("pthread_getname_np", pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
    text_is("name", name, "renamed");
    run_thread(name_of_self, name);
    text_is("a thread inherits it", name, "renamed");
    prctl(PR_SET_NAME, "by prctl");
    pthread_getname_np(pthread_self(), name, sizeof(name));
    text_is("name", name, "by prctl");
}

TEST(name_of_another_thread)
{
    char name[16];
    pthread_t thread = begin_stay();
    is("pthread_setname_np", pthread_setname_np(thread, "fifteen letters"), 0);
    is("pthread_getname_np", pthread_getname_np(thread, name, sizeof(name)), 0);
    text_is("name", name, "fifteen letters");
    is("sixteen letters", pthread_setname_np(thread, "sixteen  letters"), ERANGE);
    is("a short buffer", pthread_getname_np(thread, name, 15), ERANGE);
    pthread_mutex_unlock(&held);
    joined(thread);
}

static void *tid_of_self(void *unused)
{
    (void)unused;
    return (void *)(long)own_tid();
}

TEST(numbers)
{
    is("tid of main", own_tid() == getpid(), 1);
    is("of a thread", (long)run_thread(tid_of_self, NULL) == getpid(), 0);
    is("tasks", count_tasks(), 1);
    pthread_t thread = begin_stay();
    is("tasks with a thread", count_tasks(), 2);
    is("signal 0", pthread_kill(thread, 0), 0);
    is("signal 65", pthread_kill(thread, 65), EINVAL);
    clockid_t clock;
    struct timespec used = {-1, -1};
    is("pthread_getcpuclockid", pthread_getcpuclockid(thread, &clock), 0);
    is("clock_gettime", clock_gettime(clock, &used), 0);
    is("below 100 s", used.tv_sec >= 0 && used.tv_sec < 100, 1);
    pthread_mutex_unlock(&held);
    joined(thread);
}

TEST(scheduling_of_another_thread)
{
    pthread_t thread = begin_stay();
    struct sched_param param = {0};
    int policy = -1;
    is("pthread_setschedparam", pthread_setschedparam(thread, SCHED_BATCH, &param), 0);
    is("pthread_getschedparam", pthread_getschedparam(thread, &policy, &param), 0);
    is("policy", policy, SCHED_BATCH);
    is("priority 99 of SCHED_OTHER", pthread_setschedparam(thread, SCHED_OTHER, &(struct sched_param){99}),
       EINVAL);
    is("pthread_setschedprio", pthread_setschedprio(thread, 0), 0);
    pthread_mutex_unlock(&held);
    joined(thread);
}

TEST(concurrency)
{
    is("at first", pthread_getconcurrency(), 0);
    is("pthread_setconcurrency", pthread_setconcurrency(3), 0);
    is("then", pthread_getconcurrency(), 3);
    is("below 0", pthread_setconcurrency(-1), EINVAL);
}

/* The lowest that is free, and how many are open up to 1023. */
static void *descriptors(void *unused)
{
    (void)unused;
    int lowest = dup(1), open_ones = -1;
    for (int fd = 0; fd < 1024; fd++)
        open_ones += fcntl(fd, F_GETFD) != -1;
    close(lowest);
    return (void *)(long)(lowest * 10000 + open_ones);
}

TEST(descriptors_stay_free)
{
    long before = (long)descriptors(NULL);
    is("in a thread", (long)run_thread(descriptors, NULL) - before, 0);
    is("after it", (long)descriptors(NULL) - before, 0);
}

TEST(descriptors_all_closed)
{
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    is("lowest and number", (long)run_thread(descriptors, NULL), 30003);
    is("after it", (long)descriptors(NULL), 30003);
}

/* The last of six is on the stack. */
TEST(arguments_of_a_system_call)
{
    FILE *file = tmpfile();
    is("ftruncate", ftruncate(fileno(file), 65536), 0);
    is("pwrite", pwrite(fileno(file), "ab", 2, 32768), 2);
    for (int i = 0; i < 2; i++) {
        char *at = (char *)syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 32768);
        text_is("there", at, "ab");
    }
    is("fails", syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_SHARED, -1, 32768), -1);
    is("errno", errno, EBADF);
}
