/* Functions on a stack of their own. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "preload/shim/on_stack.h"
#include "suite.h"

static atomic_bool begun, cancelled, finished;

static void wait_for(atomic_bool *what)
{
    while (!atomic_load(what))
        nanosleep(&(struct timespec){0, 100000}, NULL);
}

static void be_cancelled(void *arg)
{
    (void)arg;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    atomic_store(&begun, true);
    while (!atomic_load(&cancelled))
        ;
    atomic_store(&finished, true);
    /* AddressSanitizer cannot unwind a cancelled thread. */
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
}

static void *run(void *arg)
{
    on_new_stack(NEW_STACK, be_cancelled, NULL);
    return arg;
}

/* It would unwind from a stack that has no end for the unwinder. */
START_TEST(no_cancellation_meanwhile)
{
    pthread_t thread;
    void *result;
    ck_assert_int_eq(pthread_create(&thread, NULL, run, &begun), 0);
    wait_for(&begun);
    ck_assert_int_eq(pthread_cancel(thread), 0);
    atomic_store(&cancelled, true);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert(atomic_load(&finished));
    ck_assert_ptr_eq(result, &begun);
}
END_TEST

static void see_mask(void *arg)
{
    pthread_sigmask(SIG_SETMASK, NULL, arg);
}

/* A handler that leaves by a jump would leave the work half done. */
START_TEST(no_handler_meanwhile_even_without_memory)
{
    sigset_t mask;
    sigemptyset(&mask);
    on_new_stack(SIZE_MAX / 2, see_mask, &mask);
    ck_assert_int_eq(sigismember(&mask, SIGUSR1), 1);
    ck_assert_int_eq(sigismember(&mask, SIGSEGV), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ck_assert_int_eq(sigismember(&mask, SIGUSR1), 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("stack");
    tcase_add_test(tests, no_cancellation_meanwhile);
    tcase_add_test(tests, no_handler_meanwhile_even_without_memory);
    return suite_run("on_stack", tests);
}
