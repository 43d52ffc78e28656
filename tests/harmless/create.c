/* pthread_create, and what a thread begins with. */
#include <fenv.h>
#include <sched.h>
#include <sys/mman.h>

#include "harmless.h"

static void *own_errno(void *unused)
{
    (void)unused;
    return (void *)(long)errno;
}

TEST(create_passes_argument)
{
    is("value of a thread", (long)run_thread(nothing, (void *)123456), 123456);
}

TEST(create_keeps_errno)
{
    errno = 77;
    pthread_t thread = begin(own_errno, NULL);
    is("errno after a creation", errno, 77);
    is("errno at the begin of a thread", (long)joined(thread), 0);
    is("errno after a join", errno, 77);
}

static pthread_t created; /* glibc writes it before the thread begins */

static void *read_handle(void *unused)
{
    (void)unused;
    return (void *)(long)!!pthread_equal(pthread_self(), created);
}

TEST(create_writes_handle)
{
    is("error", pthread_create(&created, NULL, read_handle, NULL), 0);
    is("handle is pthread_self() of the thread", (long)joined(created), 1);
    is("and not of main", !!pthread_equal(pthread_self(), created), 0);
}

TEST(create_fails_for_want_of_memory)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    is("a stack of 2^46 bytes", pthread_attr_setstacksize(&attr, 1ul << 46), 0);
    pthread_t thread = 5;
    errno = 0;
    is("creation with it", pthread_create(&thread, &attr, nothing, NULL), EAGAIN);
    is("errno", errno != 0 && errno != ENOMEM, 0);
    is("the next creation works", (long)run_thread(nothing, (void *)3), 3);
}

static int policy_that_fails(void)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    struct sched_param param = {99};
    pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
    return pthread_attr_setschedparam(&attr, &param);
}

TEST(create_rejects_attributes)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    is("detach state 7", pthread_attr_setdetachstate(&attr, 7), EINVAL);
    is("a stack of 1 byte", pthread_attr_setstacksize(&attr, 1), EINVAL);
    is("scheduler inheritance 7", pthread_attr_setinheritsched(&attr, 7), EINVAL);
    is("scope of a process", pthread_attr_setscope(&attr, PTHREAD_SCOPE_PROCESS), ENOTSUP);
    is("priority 99 of SCHED_OTHER", policy_that_fails(), EINVAL);
    cpu_set_t none;
    CPU_ZERO(&none);
    is("affinity to no CPU", pthread_attr_setaffinity_np(&attr, sizeof(none), &none), 0);
    pthread_t thread;
    is("creation with it", pthread_create(&thread, &attr, nothing, NULL), EINVAL);
}

static void *mask_member(void *signal_number)
{
    sigset_t mask, pending;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    sigpending(&pending);
    int number = (int)(long)signal_number;
    return (void *)(long)(sigismember(&mask, number) * 10 + sigismember(&pending, number));
}

TEST(create_inherits_mask)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_kill(pthread_self(), SIGUSR2);
    is("blocked, and not pending", (long)run_thread(mask_member, (void *)SIGUSR2), 10);
    is("another one", (long)run_thread(mask_member, (void *)SIGUSR1), 0);
    is("of the creator: blocked and pending", (long)mask_member((void *)SIGUSR2), 11);
}

TEST(create_with_mask)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    is("pthread_attr_setsigmask_np", pthread_attr_setsigmask_np(&attr, &set), 0);
    pthread_t thread;
    is("creation", pthread_create(&thread, &attr, mask_member, (void *)SIGUSR1), 0);
    is("blocked in the thread", (long)joined(thread), 10);
    is("not in its creator", (long)mask_member((void *)SIGUSR1), 0);
}

static void *all_blocked(void *unused)
{
    (void)unused;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    long count = 0;
    for (int number = 1; number <= 64; number++)
        count += sigismember(&mask, number) == 1;
    return (void *)count;
}

TEST(create_mask_is_whole)
{
    is("no signal is blocked", (long)all_blocked(NULL), 0);
    is("nor in a thread", (long)run_thread(all_blocked, NULL), 0);
    sigset_t set;
    sigfillset(&set);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    is("all but those that cannot be, and two of glibc", (long)run_thread(all_blocked, NULL), 60);
}

static void *alternate_stack(void *unused)
{
    (void)unused;
    stack_t stack;
    sigaltstack(NULL, &stack);
    return (void *)(long)(stack.ss_flags == SS_DISABLE);
}

TEST(create_without_alternate_stack)
{
    static char memory[65536];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};
    is("sigaltstack", sigaltstack(&stack, NULL), 0);
    is("a thread has none", (long)run_thread(alternate_stack, NULL), 1);
    is("its creator does", (long)alternate_stack(NULL), 0);
}

static void *rounding(void *unused)
{
    (void)unused;
    return (void *)(long)fegetround();
}

TEST(create_inherits_rounding)
{
    fesetround(FE_UPWARD);
    is("floating-point rounding", (long)run_thread(rounding, NULL), FE_UPWARD);
}

static void *cancel_state(void *unused)
{
    (void)unused;
    int state, type;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
    return (void *)(long)(state * 10 + type);
}

TEST(create_begins_with_cancellation_on)
{
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    is("state and type", (long)run_thread(cancel_state, NULL),
       PTHREAD_CANCEL_ENABLE * 10 + PTHREAD_CANCEL_DEFERRED);
    is("of the creator", (long)cancel_state(NULL), PTHREAD_CANCEL_DISABLE * 10 + PTHREAD_CANCEL_ASYNCHRONOUS);
}

TEST(create_many)
{
    enum { MANY = 200 };
    pthread_t threads[MANY];
    long sum = 0;
    for (long i = 0; i < MANY; i++)
        threads[i] = begin(nothing, (void *)i);
    for (int i = 0; i < MANY; i++)
        sum += (long)joined(threads[i]);
    is("sum of their values", sum, MANY * (MANY - 1) / 2);
}
