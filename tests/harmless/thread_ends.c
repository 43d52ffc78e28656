/* What runs at the end of a thread, and in which order. */
#include <limits.h>
#include <sched.h>
#include <semaphore.h>

#include "harmless.h"

/* Destructors of thread_local objects of C++ are registered so, by the compiler. */
extern int __cxa_thread_atexit_impl(void (*function)(void *), void *object, void *library);
extern void *__dso_handle;

static pthread_key_t key, other;

static void handle(void *letter)
{
    happened((char)(long)letter);
}

static void *ends(void *how)
{
    __cxa_thread_atexit_impl(handle, (void *)'1', &__dso_handle);
    __cxa_thread_atexit_impl(handle, (void *)'2', &__dso_handle);
    pthread_setspecific(key, (void *)'k');
    pthread_cleanup_push(handle, (void *)'c');
    if (how == (void *)'x')
        pthread_exit(how);
    if (how == (void *)'c') {
        pthread_cancel(pthread_self());
        pthread_testcancel();
    }
    pthread_cleanup_pop(0);
    return how;
}

TEST(thread_end_order_at_return)
{
    pthread_key_create(&key, handle);
    is("value", (long)run_thread(ends, (void *)'r'), 'r');
    text_is("objects, the latest first, then keys", happenings(), "21k");
}

TEST(thread_end_order_at_exit)
{
    pthread_key_create(&key, handle);
    is("value", (long)run_thread(ends, (void *)'x'), 'x');
    text_is("handlers, objects, keys", happenings(), "c21k");
}

TEST(thread_end_order_when_cancelled)
{
    pthread_key_create(&key, handle);
    is("value", (long)run_thread(ends, (void *)'c'), (long)PTHREAD_CANCELED);
    text_is("handlers, objects, keys", happenings(), "c21k");
}

static void print_letter(void *letter)
{
    is("object of main", (long)letter, (long)letter);
}

static void print_handler(void)
{
    is("atexit", 1, 1);
}

TEST_ENDS(thread_end_of_main_objects, "exit 4")
{
    atexit(print_handler);
    __cxa_thread_atexit_impl(print_letter, (void *)1, &__dso_handle);
    __cxa_thread_atexit_impl(print_letter, (void *)2, &__dso_handle);
    run_thread(ends, NULL);
    exit(4);
}

static void set_other(void *unused)
{
    (void)unused;
    happened('a');
    pthread_setspecific(other, (void *)'b');
}

static void *set_one(void *unused)
{
    pthread_setspecific(key, (void *)1);
    return unused;
}

TEST(thread_end_destructor_sets_another_key)
{
    pthread_key_create(&key, set_other);
    pthread_key_create(&other, handle);
    run_thread(set_one, NULL);
    text_is("it is destroyed, too", happenings(), "ab");
}

static void set_both(void *unused)
{
    (void)unused;
    happened('x');
    pthread_setspecific(key, (void *)1);
    pthread_setspecific(other, (void *)1);
}

TEST(thread_end_destructors_that_never_end)
{
    pthread_key_create(&key, set_both);
    pthread_key_create(&other, set_both);
    run_thread(set_one, NULL);
    is("rounds of two", (long)strlen(happenings()), 2 * PTHREAD_DESTRUCTOR_ITERATIONS);
}

static void mask_in_destructor(void *unused)
{
    (void)unused;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    is("SIGUSR1 is blocked in a destructor", sigismember(&mask, SIGUSR1), 0);
    int state = -1;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    is("cancellation is", state, PTHREAD_CANCEL_ENABLE);
}

TEST(thread_end_destructor_state)
{
    pthread_key_create(&key, mask_in_destructor);
    run_thread(set_one, NULL);
}

static void *unwind(void *depth);

static void *(*volatile unwind_deeper)(void *) = unwind; /* else gcc warns of a recursion that does not end */

static void *unwind(void *depth)
{
    pthread_cleanup_push(handle, (void *)(long)('a' + (long)depth));
    if ((long)depth == 5)
        pthread_exit((void *)8);
    unwind_deeper((void *)((long)depth + 1));
    pthread_cleanup_pop(0);
    return NULL;
}

TEST(thread_end_handlers_of_frames)
{
    is("value", (long)run_thread(unwind, NULL), 8);
    text_is("the innermost first", happenings(), "fedcba");
}

static void *detached_with_key(void *unused)
{
    pthread_setspecific(key, unused);
    return unused;
}

static sem_t destroyed;

static void post(void *unused)
{
    (void)unused;
    sem_post(&destroyed);
}

TEST(thread_end_of_a_detached_one)
{
    pthread_key_create(&key, post);
    pthread_detach(begin(detached_with_key, &key));
    is("its key is destroyed", sem_wait(&destroyed), 0);
}

static void *errno_of(void *value)
{
    errno = (int)(long)value;
    for (int i = 0; i < 100; i++)
        sched_yield();
    return (void *)(long)errno;
}

TEST(thread_end_errno_is_its_own)
{
    errno = 5;
    pthread_t first = begin(errno_of, (void *)11), second = begin(errno_of, (void *)12);
    is("first", (long)joined(first), 11);
    is("second", (long)joined(second), 12);
    is("main", errno, 5);
}
