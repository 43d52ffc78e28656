/* Threads that wait for a notification: `wakes HOW`. Prints "up" when all of them are there.
 *
 * A wake that is lost:
 *   signal     the main thread signals before a thread waits, and joins it
 *   broadcast  the same with broadcast
 *   cnd        the same with C11's functions
 *   semaphore  the thread has taken the only post, and waits again
 *   ended      the thread that signals ends; the main thread waits
 *   handler    a signal handler posts, and the main thread joins the thread that waits again
 * and one that is not:
 *   runs       the thread that signalled goes on
 *   later      two threads wait, and the signal woke the other one
 *   timed      the wait has a timeout
 *   other      another thread has signalled before, and lives
 *   again      the condition variable was destroyed and made again since
 *   shared     another process can signal
 *   never      nobody has signalled
 *   futex      the wait is for a futex of the program's own
 *   child      a forked child, in which nobody has signalled
 *   idle       a worker has done its work when the main thread returns
 *
 *   race       a thread checks before it locks: if the wake comes in between, the thread is not joined */
#include "wakes.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static cnd_t other_changed;
static mtx_t other_lock;
static _Atomic bool notified;
static int word;

static void come_up(void)
{
    CHECK(write(1, "up\n", 3) == 3);
}

/* It yields and does not sleep, so that nobody takes the thread for one that is asleep for good. */
static void pass_time(void)
{
    sched_yield();
}

/* The bug: the condition is not checked with the lock held. */
static void *wait_too_late(void *arg)
{
    while (!notified)
        pass_time();
    pthread_mutex_lock(&lock);
    pthread_cond_wait(changed, &lock);
    return arg;
}

static void *wait_too_late_cnd(void *arg)
{
    while (!notified)
        pass_time();
    mtx_lock(&other_lock);
    cnd_wait(&other_changed, &other_lock);
    return arg;
}

static void *wait_with_timeout(void *arg)
{
    struct timespec until;
    while (!notified)
        pass_time();
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 3600;
    pthread_mutex_lock(&lock);
    pthread_cond_timedwait(changed, &lock, &until);
    return arg;
}

static void *take_twice(void *arg)
{
    await(&posts);
    sem_post(&ready);
    await(&posts);
    return arg;
}

static void *wait_on_futex(void *arg)
{
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return arg;
}

/* It locks the mutex when the thread that had it waits. */
static void *wait_in_turn(void *arg)
{
    pthread_mutex_lock(&lock);
    sem_post(&ready);
    pthread_cond_wait(changed, &lock);
    pthread_mutex_unlock(&lock);
    return arg;
}

static NOINLINE void notify(void)
{
    pthread_cond_signal(changed);
    notified = true;
}

static void *notify_and_end(void *arg)
{
    notify();
    return arg;
}

static void *signal_and_stay(void *arg)
{
    pthread_cond_signal(changed);
    return stay(arg);
}

static void join(pthread_t thread)
{
    come_up();
    pthread_join(thread, NULL);
}

/* ---- lost ------------------------------------------------------------------------------ */

static void signal_lost(void)
{
    pthread_t thread = start(wait_too_late, NULL);
    notify();
    join(thread);
}

static void broadcast_lost(void)
{
    pthread_t thread = start(wait_too_late, NULL);
    pthread_cond_broadcast(changed);
    notified = true;
    join(thread);
}

static void cnd_lost(void)
{
    CHECK(cnd_init(&other_changed) == thrd_success && mtx_init(&other_lock, mtx_plain) == thrd_success);
    pthread_t thread = start(wait_too_late_cnd, NULL);
    cnd_signal(&other_changed);
    notified = true;
    join(thread);
}

static void semaphore_taken(void)
{
    pthread_t thread = start(take_twice, NULL);
    sem_post(&posts);
    await_ready(1);
    join(thread);
}

static void notifier_ended(void)
{
    pthread_join(start(notify_and_end, NULL), NULL);
    come_up();
    wait_too_late(NULL);
}

static void handler_posted(void)
{
    signal(SIGUSR1, post_in_handler);
    pthread_t thread = start(take_twice, NULL);
    raise(SIGUSR1);
    await_ready(1);
    join(thread);
}

/* ---- not lost -------------------------------------------------------------------------- */

static void notifier_runs(void)
{
    start(wait_too_late, NULL);
    notify();
    come_up();
    stay(NULL);
}

static void other_was_woken(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        threads[i] = start(wait_in_turn, NULL);
        await_ready(1);
    }
    pthread_mutex_lock(&lock); /* both wait */
    notify();
    pthread_mutex_unlock(&lock);
    come_up();
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

static void with_timeout(void)
{
    pthread_t thread = start(wait_with_timeout, NULL);
    notify();
    join(thread);
}

static void other_lives(void)
{
    pthread_t thread = start(wait_too_late, NULL);
    start(signal_and_stay, NULL);
    await_ready(1);
    notify();
    join(thread);
}

static void made_again(void)
{
    pthread_cond_signal(changed);
    pthread_cond_destroy(changed);
    pthread_cond_init(changed, NULL);
    pthread_t thread = start(wait_too_late, NULL);
    notified = true;
    join(thread);
}

static void shared_with_others(void)
{
    pthread_condattr_t attr;
    changed = mmap(NULL, sizeof(*changed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(changed != MAP_FAILED && pthread_condattr_init(&attr) == 0);
    CHECK(pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_cond_init(changed, &attr) == 0);
    signal_lost();
}

static void nobody(void)
{
    notified = true;
    join(start(wait_too_late, NULL));
}

static void in_child(void)
{
    pthread_cond_signal(changed);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child) {
        waitpid(child, NULL, 0);
        return;
    }
    CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
    nobody();
}

static void futex(void)
{
    join(start(wait_on_futex, NULL));
}

static void idle(void)
{
    start(take_twice, NULL);
    sem_post(&posts);
    await_ready(1);
    come_up();
}

static void *check_and_wait(void *arg)
{
    if (notified)
        return arg;
    pthread_mutex_lock(&lock);
    pthread_cond_wait(changed, &lock);
    pthread_mutex_unlock(&lock);
    return arg;
}

static void race(void)
{
    struct timespec until;
    pthread_t thread = start(check_and_wait, NULL);
    notified = true;
    pthread_cond_signal(changed);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_timedjoin_np(thread, NULL, &until);
}

static const struct way ways[] = {
    {"signal", signal_lost},
    {"broadcast", broadcast_lost},
    {"cnd", cnd_lost},
    {"semaphore", semaphore_taken},
    {"ended", notifier_ended},
    {"handler", handler_posted},
    {"runs", notifier_runs},
    {"later", other_was_woken},
    {"timed", with_timeout},
    {"other", other_lives},
    {"again", made_again},
    {"shared", shared_with_others},
    {"never", nobody},
    {"futex", futex},
    {"child", in_child},
    {"race", race},
    {"idle", idle},
};

int main(int argc, char **argv)
{
    return run_way(ways, sizeof(ways) / sizeof(*ways), argc, argv);
}
