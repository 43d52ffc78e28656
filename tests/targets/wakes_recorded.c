/* What recording notifications must not break: `wakes_recorded HOW`.
 *
 *   coroutine  a post near the end of a stack of the program's own, after which no memory is mapped
 *   version    signals with both versions of pthread_cond_signal, then ends
 *   storm      posts from signal handlers, with forks meanwhile, then ends */
#include "wakes.h"

#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

static void *take_all(void *arg)
{
    for (;;)
        await(&posts);
    return arg;
}

#if defined(__x86_64__) && defined(__GLIBC__)
/* Before GLIBC_2.3.2 a condition variable was one pointer, and so it is for programs that were linked then.
 */
int old_init(void **cond, const pthread_condattr_t *attr);
int old_signal(void **cond);
int old_broadcast(void **cond);
int old_wait(void **cond, pthread_mutex_t *mutex);
int old_timedwait(void **cond, pthread_mutex_t *mutex, const struct timespec *until);
int old_destroy(void **cond);
__asm__(".symver old_init, pthread_cond_init@GLIBC_2.2.5\n"
        ".symver old_signal, pthread_cond_signal@GLIBC_2.2.5\n"
        ".symver old_broadcast, pthread_cond_broadcast@GLIBC_2.2.5\n"
        ".symver old_wait, pthread_cond_wait@GLIBC_2.2.5\n"
        ".symver old_timedwait, pthread_cond_timedwait@GLIBC_2.2.5\n"
        ".symver old_destroy, pthread_cond_destroy@GLIBC_2.2.5\n");

static struct {
    void *cond;
    char after[sizeof(pthread_cond_t)]; /* what a new function would write to */
} old;

static void *wait_old(void *arg)
{
    pthread_mutex_lock(&lock);
    sem_post(&ready);
    CHECK(old_wait(&old.cond, &lock) == 0);
    pthread_mutex_unlock(&lock);
    return arg;
}

static void use_old(int (*notify_old)(void **))
{
    pthread_t thread = start(wait_old, NULL);
    await_ready(1);
    pthread_mutex_lock(&lock);
    CHECK(notify_old(&old.cond) == 0);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
}

static void both_versions(void)
{
    struct timespec past = {1, 0};
    memset(&old, 0x5a, sizeof(old));
    CHECK(old_init(&old.cond, NULL) == 0);
    use_old(old_signal);
    use_old(old_broadcast);
    pthread_mutex_lock(&lock);
    CHECK(old_timedwait(&old.cond, &lock, &past) == ETIMEDOUT);
    CHECK(pthread_cond_timedwait(changed, &lock, &past) == ETIMEDOUT);
    pthread_mutex_unlock(&lock);
    CHECK(old_destroy(&old.cond) == 0);
    for (size_t i = 0; i < sizeof(old.after); i++)
        CHECK(old.after[i] == 0x5a);
    CHECK(pthread_cond_signal(changed) == 0 && pthread_cond_broadcast(changed) == 0);
}
#else
static void both_versions(void)
{
    SKIP("this libc has one version of pthread_cond_signal");
}
#endif

static ucontext_t caller, coroutine;

static void post_and_return(void)
{
    CHECK(sem_post(&posts) == 0);
}

static void in_coroutine(void)
{
    size_t size = 65536, page = (size_t)sysconf(_SC_PAGESIZE);
    char *stack = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED && mprotect(stack + size, page, PROT_NONE) == 0);
    CHECK(getcontext(&coroutine) == 0);
    coroutine.uc_stack = (stack_t){.ss_sp = stack, .ss_size = size};
    coroutine.uc_link = &caller;
    makecontext(&coroutine, post_and_return, 0);
    CHECK(swapcontext(&caller, &coroutine) == 0);
    await(&posts);
}

#define FORKS 300

static void start_timer(int number)
{
    const struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, number ? &often : &never, NULL) == 0);
}

/* Handlers interrupt the hooks, and each other's forks. A child posts as well. */
static void storm(void)
{
    pthread_t taker = start(take_all, NULL);
    signal(SIGALRM, post_in_handler);
    start_timer(1);
    for (int i = 0; i < FORKS; i++) {
        int status;
        for (int j = 0; j < 50; j++)
            pthread_cond_signal(changed);
        sem_post(&posts);
        pid_t child = fork();
        if (child == 0) {
            start_timer(1);
            for (int j = 0; j < 200; j++)
                sem_post(&posts);
            _exit(7);
        }
        while (child > 0 && waitpid(child, &status, 0) < 0)
            CHECK(errno == EINTR);
        CHECK(child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    }
    start_timer(0);
    pthread_cancel(taker);
    pthread_join(taker, NULL);
}

static const struct way ways[] = {
    {"coroutine", in_coroutine},
    {"version", both_versions},
    {"storm", storm},
};

int main(int argc, char **argv)
{
    return run_way(ways, sizeof(ways) / sizeof(*ways), argc, argv);
}
