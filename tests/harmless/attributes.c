/* Attributes of threads, those of the default included, and stacks. */
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>

#include "harmless.h"

struct seen {
    void *address;
    size_t size, guard;
    int detach_state;
    bool inside;
};

static struct seen attributes_of(pthread_t thread)
{
    struct seen seen = {0};
    pthread_attr_t attr;
    if (pthread_getattr_np(thread, &attr) != 0)
        return seen;
    pthread_attr_getstack(&attr, &seen.address, &seen.size);
    pthread_attr_getguardsize(&attr, &seen.guard);
    pthread_attr_getdetachstate(&attr, &seen.detach_state);
    pthread_attr_destroy(&attr);
    return seen;
}

static void *see(void *out)
{
    struct seen *seen = out;
    *seen = attributes_of(pthread_self());
    seen->inside = (uintptr_t)&out - (uintptr_t)seen->address < seen->size;
    return NULL;
}

static struct seen of_thread_with(const pthread_attr_t *attr)
{
    struct seen seen;
    pthread_t thread;
    if (pthread_create(&thread, attr, see, &seen) == 0)
        joined(thread);
    return seen;
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER; /* by main, to its end */

static void *stay(void *unused)
{
    pthread_mutex_lock(&held);
    return unused;
}

TEST(attributes_of_default)
{
    pthread_attr_t attr;
    int value;
    size_t size;
    is("pthread_attr_init", pthread_attr_init(&attr), 0);
    pthread_attr_getdetachstate(&attr, &value);
    is("detach state", value, PTHREAD_CREATE_JOINABLE);
    pthread_attr_getinheritsched(&attr, &value);
    is("scheduler is inherited", value, PTHREAD_INHERIT_SCHED);
    pthread_attr_getscope(&attr, &value);
    is("scope", value, PTHREAD_SCOPE_SYSTEM);
    pthread_attr_getguardsize(&attr, &size);
    is("guard", (long)size, sysconf(_SC_PAGESIZE));
    struct seen seen = of_thread_with(NULL);
    is("detach state of a thread", seen.detach_state, PTHREAD_CREATE_JOINABLE);
    is("it runs on its stack", seen.inside, 1);
}

TEST(attributes_stack_size)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 1 << 20);
    is("of 1 MiB", (long)of_thread_with(&attr).size, 1 << 20);
    pthread_attr_setstacksize(&attr, (size_t)PTHREAD_STACK_MIN);
    is("the smallest one", (long)of_thread_with(&attr).size, PTHREAD_STACK_MIN);
    pthread_attr_setguardsize(&attr, 65536);
    is("guard of 64 KiB", (long)of_thread_with(&attr).guard, 65536);
}

TEST(attributes_stack_of_the_program)
{
    size_t size = 1 << 18;
    char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    is("pthread_attr_setstack", pthread_attr_setstack(&attr, stack, size), 0);
    struct seen seen = of_thread_with(&attr);
    is("address", seen.address == stack, 1);
    is("size", (long)seen.size, (long)size);
    is("it runs there", seen.inside, 1);
    is("it can be unmapped after the join", munmap(stack, size), 0);
}

TEST(attributes_detached)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    pthread_mutex_lock(&held);
    is("creation", pthread_create(&thread, &attr, stay, NULL), 0);
    is("state", attributes_of(thread).detach_state, PTHREAD_CREATE_DETACHED);
    is("join", pthread_join(thread, NULL), EINVAL);
    is("detach", pthread_detach(thread), EINVAL);
}

TEST(attributes_default_changed)
{
    pthread_attr_t attr;
    size_t size;
    pthread_getattr_default_np(&attr);
    pthread_attr_setstacksize(&attr, 1 << 21);
    is("pthread_setattr_default_np", pthread_setattr_default_np(&attr), 0);
    pthread_getattr_default_np(&attr);
    pthread_attr_getstacksize(&attr, &size);
    is("it is the default now", (long)size, 1 << 21);
    is("and of a thread", (long)of_thread_with(NULL).size, 1 << 21);
    static char stack[65536];
    pthread_attr_setstack(&attr, stack, sizeof(stack));
    is("a default with an address", pthread_setattr_default_np(&attr), EINVAL);
}

TEST(attributes_default_detached)
{
    pthread_attr_t attr;
    pthread_getattr_default_np(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    is("pthread_setattr_default_np", pthread_setattr_default_np(&attr), 0);
    pthread_mutex_lock(&held);
    pthread_t thread = begin(stay, NULL);
    is("join", pthread_join(thread, NULL), EINVAL);
}

TEST(attributes_of_main)
{
    struct seen seen;
    see(&seen);
    is("main is joinable", seen.detach_state, PTHREAD_CREATE_JOINABLE);
    is("and runs on its stack", seen.inside, 1);
}

static void *scheduler(void *unused)
{
    (void)unused;
    int policy = -1;
    struct sched_param param;
    pthread_getschedparam(pthread_self(), &policy, &param);
    return (void *)(long)(policy * 100 + param.sched_priority);
}

TEST(attributes_scheduler)
{
    struct sched_param none = {0};
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
    is("policy and priority of a thread are its creator's", (long)run_thread(scheduler, NULL),
       SCHED_BATCH * 100);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    is("explicit", pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED), 0);
    is("SCHED_OTHER", pthread_attr_setschedpolicy(&attr, SCHED_OTHER), 0);
    pthread_t thread;
    is("creation", pthread_create(&thread, &attr, scheduler, NULL), 0);
    is("policy and priority", (long)joined(thread), SCHED_OTHER * 100);
}

static void *count_cpus(void *unused)
{
    (void)unused;
    cpu_set_t set;
    return (void *)(long)(pthread_getaffinity_np(pthread_self(), sizeof(set), &set) == 0 ? CPU_COUNT(&set)
                                                                                         : -1);
}

TEST(attributes_affinity)
{
    cpu_set_t all, one;
    pthread_getaffinity_np(pthread_self(), sizeof(all), &all);
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setaffinity_np(&attr, sizeof(one), &one);
    pthread_t thread;
    is("creation", pthread_create(&thread, &attr, count_cpus, NULL), 0);
    is("CPUs of the thread", (long)joined(thread), 1);
    is("pthread_setaffinity_np", pthread_setaffinity_np(pthread_self(), sizeof(one), &one), 0);
    is("a thread inherits it", (long)run_thread(count_cpus, NULL), 1);
}
