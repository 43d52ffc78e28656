/* Stacks: bounds that a thread sees of its own, guards, and attributes that are read back. */
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "harmless.h"

struct bounds {
    uintptr_t low;
    size_t size, guard;
};

static struct bounds own_bounds(void)
{
    struct bounds bounds = {0};
    pthread_attr_t attr;
    void *low;
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &low, &bounds.size);
    pthread_attr_getguardsize(&attr, &bounds.guard);
    pthread_attr_destroy(&attr);
    bounds.low = (uintptr_t)low;
    return bounds;
}

static void *give_bounds(void *bounds)
{
    *(struct bounds *)bounds = own_bounds();
    return NULL;
}

static struct bounds bounds_with(const pthread_attr_t *attr)
{
    struct bounds bounds = {0};
    pthread_t thread;
    int error = pthread_create(&thread, attr, give_bounds, &bounds);
    if (error)
        is("pthread_create", error, 0);
    else
        joined(thread);
    return bounds;
}

/* What was set is what is read, as many times as one wants. */
TEST(stack_attributes_are_read_back)
{
    pthread_attr_t attr;
    size_t size = 0;
    void *address = NULL;
    int value = -1;
    struct sched_param param = {.sched_priority = 5};
    pthread_attr_init(&attr);
    is("set stack size", pthread_attr_setstacksize(&attr, 123 * 4096), 0);
    pthread_attr_getstacksize(&attr, &size);
    is("stack size", (long)size, 123 * 4096);
    is("set guard size", pthread_attr_setguardsize(&attr, 3 * 4096 + 1), 0);
    pthread_attr_getguardsize(&attr, &size);
    is("guard size as it was set", (long)size, 3 * 4096 + 1);
    is("set detach state", pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED), 0);
    pthread_attr_getdetachstate(&attr, &value);
    is("detach state", value, PTHREAD_CREATE_DETACHED);
    is("set policy", pthread_attr_setschedpolicy(&attr, SCHED_RR), 0);
    pthread_attr_getschedpolicy(&attr, &value);
    is("policy", value, SCHED_RR);
    is("set priority", pthread_attr_setschedparam(&attr, &param), 0);
    param.sched_priority = 0;
    pthread_attr_getschedparam(&attr, &param);
    is("priority", param.sched_priority, 5);
    is("set stack", pthread_attr_setstack(&attr, (void *)0x100000, 1 << 20), 0);
    pthread_attr_getstack(&attr, &address, &size);
    is("stack", (long)address + (long)size, 0x100000 + (1 << 20));
    is("destroy", pthread_attr_destroy(&attr), 0);
}

TEST(stack_attributes_of_affinity)
{
    pthread_attr_t attr;
    cpu_set_t set, got;
    pthread_attr_init(&attr);
    is("of none", pthread_attr_getaffinity_np(&attr, sizeof(got), &got), 0);
    is("is every CPU", CPU_COUNT(&got), CPU_SETSIZE);
    CPU_ZERO(&set);
    CPU_SET(5, &set);
    CPU_SET(900, &set);
    is("set", pthread_attr_setaffinity_np(&attr, sizeof(set), &set), 0);
    is("get", pthread_attr_getaffinity_np(&attr, sizeof(got), &got), 0);
    is("is the same", CPU_EQUAL(&set, &got), 1);
    is("a set too small for it", pthread_attr_getaffinity_np(&attr, 8, &got), EINVAL);
}

TEST(stack_attributes_of_signals)
{
    pthread_attr_t attr;
    sigset_t set, got;
    pthread_attr_init(&attr);
    is("of none", pthread_attr_getsigmask_np(&attr, &got), PTHREAD_ATTR_NO_SIGMASK_NP);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGRTMAX);
    is("set", pthread_attr_setsigmask_np(&attr, &set), 0);
    is("get", pthread_attr_getsigmask_np(&attr, &got), 0);
    is("has SIGHUP and SIGRTMAX", sigismember(&got, SIGHUP) + sigismember(&got, SIGRTMAX), 2);
    is("and no SIGINT", sigismember(&got, SIGINT), 0);
    is("forgotten", pthread_attr_setsigmask_np(&attr, NULL), 0);
    is("of none again", pthread_attr_getsigmask_np(&attr, &got), PTHREAD_ATTR_NO_SIGMASK_NP);
}

TEST(stack_sizes_of_threads)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    for (size_t size = 1 << 16; size <= 1 << 24; size <<= 2) {
        pthread_attr_setstacksize(&attr, size);
        is("size that its thread sees", (long)bounds_with(&attr).size, (long)size);
    }
}

TEST(stack_guards_of_threads)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    for (size_t guard = 0; guard <= 1 << 16; guard += 1 << 14) {
        pthread_attr_setguardsize(&attr, guard);
        is("guard that its thread sees", (long)bounds_with(&attr).guard, (long)guard);
    }
}

/* glibc's default is the soft limit at the start of the program. */
TEST(stack_of_the_default_size)
{
    pthread_attr_t attr;
    size_t size = 0;
    pthread_getattr_default_np(&attr);
    pthread_attr_getstacksize(&attr, &size);
    is("that of the default attributes", bounds_with(NULL).size == size, 1);
    pthread_attr_init(&attr);
    pthread_attr_getstacksize(&attr, &size);
    is("and of initialised ones", bounds_with(NULL).size == size, 1);
}

static sigjmp_buf back;

static void jump_back(int number)
{
    siglongjmp(back, number);
}

/* Page after page below the frame, until the guard. */
static void *touch_the_guard(void *alternate)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = 65536};
    sigaltstack(&stack, NULL);
    struct bounds bounds = own_bounds();
    volatile char *at = (volatile char *)bounds.low;
    int number = sigsetjmp(back, 1);
    if (number)
        return (void *)(long)number;
    for (size_t i = 0; i < bounds.size - 16384; i += 4096)
        (void)at[i]; /* all of the stack can be read */
    return (void *)(long)at[-1];
}

TEST(stack_guard_faults)
{
    static char alternate[65536];
    struct sigaction action = {.sa_handler = jump_back, .sa_flags = SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 1 << 17);
    pthread_t thread;
    is("creation", pthread_create(&thread, &attr, touch_the_guard, alternate), 0);
    is("signal", (long)joined(thread), SIGSEGV);
}

static void *deep(void *left)
{
    char frame[4096];
    memset(frame, 1, sizeof(frame));
    if ((long)left > 0)
        return (void *)((long)deep((void *)((long)left - 1)) + frame[77]);
    return (void *)(long)frame[4095];
}

TEST(stack_can_be_used_to_its_end)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 1 << 20);
    pthread_t thread;
    is("creation", pthread_create(&thread, &attr, deep, (void *)220), 0);
    is("frames of more than 4 KiB on 1 MiB", (long)joined(thread), 221);
}

TEST(stack_is_used_again)
{
    size_t size = 1 << 18;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstack(&attr, memory, size);
    long inside = 0;
    for (int i = 0; i < 50; i++)
        inside += bounds_with(&attr).low == (uintptr_t)memory;
    is("threads on one stack, one after the other", inside, 50);
    memset(memory, 0, size); /* it is ours again */
    munmap(memory, size);
}

TEST(stack_of_main_grows)
{
    struct bounds bounds = own_bounds();
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    char here;
    is("main runs on it", (uintptr_t)&here - bounds.low < bounds.size, 1);
    is("64 frames of more than 4 KiB", (long)deep((void *)63), 64);
    is("its size is the limit's, or less by its arguments",
       limit.rlim_cur == RLIM_INFINITY || bounds.size <= limit.rlim_cur, 1);
}
