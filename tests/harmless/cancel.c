/* Cancellation: states, types, handlers. cancel_points.c has the points. */
#include <semaphore.h>

#include "harmless.h"

static sem_t running;
static _Atomic bool go;

static void *spin(void *unused)
{
    sem_post(&running);
    while (!go)
        ;
    return unused;
}

/* Cancels a thread that runs, lets it go on, and returns its value. */
static long cancelled(void *(*routine)(void *))
{
    pthread_t thread = begin(routine, (void *)7);
    sem_wait(&running);
    is("pthread_cancel", pthread_cancel(thread), 0);
    go = true;
    return (long)joined(thread);
}

TEST(cancel_waits_for_a_point)
{
    is("value of a thread without one", cancelled(spin), 7);
}

static void *spin_and_test(void *unused)
{
    spin(unused);
    pthread_testcancel();
    return unused;
}

TEST(cancel_at_testcancel)
{
    is("value", cancelled(spin_and_test), -1);
}

static void *spin_disabled(void *unused)
{
    int old;
    is("disable", pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old), 0);
    is("it was enabled", old, PTHREAD_CANCEL_ENABLE);
    spin(unused);
    pthread_testcancel();
    sleep_ms(1);
    is("enable", pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old), 0);
    is("it was disabled", old, PTHREAD_CANCEL_DISABLE);
    pthread_testcancel();
    return unused;
}

TEST(cancel_is_kept_while_disabled)
{
    is("value", cancelled(spin_disabled), -1);
}

static void *spin_for_ever(void *unused)
{
    int old;
    is("type", pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old), 0);
    is("it was deferred", old, PTHREAD_CANCEL_DEFERRED);
    sem_post(&running);
    for (;;)
        ;
    return unused;
}

TEST(cancel_of_a_loop)
{
    is("value", cancelled(spin_for_ever), -1);
}

TEST(cancel_rejects)
{
    is("state 7", pthread_setcancelstate(7, NULL), EINVAL);
    is("type 7", pthread_setcanceltype(7, NULL), EINVAL);
}

static void *cancel_self(void *unused)
{
    is("of itself", pthread_cancel(pthread_self()), 0);
    is("it is alive still", 1, 1);
    pthread_testcancel();
    return unused;
}

TEST(cancel_of_oneself)
{
    is("value", (long)run_thread(cancel_self, (void *)7), -1);
}

static _Atomic pid_t tid;

static void *finish(void *value)
{
    tid = own_tid();
    return value;
}

TEST(cancel_of_finished)
{
    pthread_t thread = begin(finish, (void *)7);
    while (!tid)
        sleep_ms(1);
    await_ended(tid);
    is("pthread_cancel", pthread_cancel(thread), 0);
    is("value", (long)joined(thread), 7);
}

static void *pause_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

TEST(cancel_at_the_begin)
{
    long all = 0;
    for (int i = 0; i < 100; i++) {
        pthread_t thread = begin(pause_for_ever, NULL);
        pthread_cancel(thread);
        all += joined(thread) == PTHREAD_CANCELED;
    }
    is("of 100 threads that have just begun", all, 100);
}

/* ---- handlers -------------------------------------------------------------------------- */

static void handle(void *letter)
{
    happened((char)(long)letter);
}

static void *push_three(void *how)
{
    pthread_cleanup_push(handle, (void *)'a');
    pthread_cleanup_push(handle, (void *)'b');
    pthread_cleanup_push(handle, (void *)'c');
    if (how == (void *)'x')
        pthread_exit(how);
    if (how == (void *)'p')
        pause();
    pthread_cleanup_pop(1);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(1);
    return how;
}

TEST(cleanup_popped)
{
    run_thread(push_three, NULL);
    text_is("run", happenings(), "ca");
}

TEST(cleanup_at_exit)
{
    is("value", (long)run_thread(push_three, (void *)'x'), 'x');
    text_is("run, the latest first", happenings(), "cba");
}

TEST(cleanup_when_cancelled)
{
    pthread_t thread = begin(push_three, (void *)'p');
    pthread_cancel(thread);
    is("value", (long)joined(thread), -1);
    is("all or none", strcmp(happenings(), "cba") == 0 || !*happenings(), 1);
}

static void slow_handler(void *unused)
{
    (void)unused;
    happened('(');
    pthread_testcancel();
    sleep_ms(1);
    happened(')');
}

static void *with_slow_handler(void *unused)
{
    pthread_cleanup_push(slow_handler, NULL);
    pthread_cancel(pthread_self());
    pthread_testcancel();
    pthread_cleanup_pop(0);
    return unused;
}

TEST(cleanup_is_not_cancelled)
{
    is("value", (long)run_thread(with_slow_handler, NULL), -1);
    text_is("its handler", happenings(), "()");
}

static void *restore_type(void *unused)
{
    int old;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    pthread_cleanup_push_defer_np(handle, (void *)'a');
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old);
    is("in it", old, PTHREAD_CANCEL_DEFERRED);
    pthread_cleanup_pop_restore_np(0);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old);
    is("after it", old, PTHREAD_CANCEL_ASYNCHRONOUS);
    return unused;
}

TEST(cleanup_that_defers)
{
    run_thread(restore_type, NULL);
}

static void forks(void *unused)
{
    (void)unused;
    happened('a');
    text_is("a fork in a handler", status_of(abort), "signal 6");
}

static void *with_fork(void *unused)
{
    pthread_cleanup_push(forks, NULL);
    pthread_exit(unused);
    pthread_cleanup_pop(0);
}

TEST(cleanup_forks)
{
    is("value", (long)run_thread(with_fork, (void *)7), 7);
}

static void creates(void *unused)
{
    (void)unused;
    is("a thread of a handler", (long)run_thread(finish, (void *)8), 8);
}

static void *with_creation(void *unused)
{
    pthread_cleanup_push(creates, NULL);
    pthread_cancel(pthread_self());
    pthread_testcancel();
    pthread_cleanup_pop(0);
    return unused;
}

TEST(cleanup_creates)
{
    is("value", (long)run_thread(with_creation, NULL), -1);
}

static void *create_and_exit(void *unused)
{
    (void)unused;
    pthread_cancel(pthread_self());
    pthread_t thread;
    is("a creation is no cancellation point", pthread_create(&thread, NULL, finish, NULL), 0);
    is("a detach is none", pthread_detach(thread), 0);
    pthread_testcancel();
    return NULL;
}

TEST(cancel_pending_at_creation)
{
    is("value", (long)run_thread(create_and_exit, NULL), -1);
}
