/* Handlers of exit() and quick_exit(): how many, in which order, and what they may do. */
#include <stdio_ext.h>
#include <sys/wait.h>

#include "harmless.h"

static void print_a(void)
{
    is("handler a", 1, 1);
}
static void print_b(void)
{
    is("handler b", 1, 1);
}

static void print_status(int status, void *arg)
{
    is("status of on_exit", status, (long)arg);
}

TEST_ENDS(exit_handlers_of_both_kinds, "exit 7")
{
    atexit(print_a);
    on_exit(print_status, (void *)7);
    atexit(print_b);
    on_exit(print_status, (void *)7);
    run_thread(nothing, NULL);
    exit(7);
}

static int counted;

static void count(void)
{
    counted++;
}

static void print_count(void)
{
    is("handlers that ran", counted, 300);
}

/* POSIX promises 32. */
TEST(exit_handlers_many)
{
    atexit(print_count);
    long failed = 0;
    for (int i = 0; i < 300; i++)
        failed += atexit(count) != 0;
    is("that failed to register", failed, 0);
    run_thread(nothing, NULL);
}

TEST(exit_handlers_one_twice)
{
    atexit(print_a);
    atexit(print_a);
    run_thread(nothing, NULL);
}

static void quick_exit_in_handler(void)
{
    is("handler q", 1, 1);
    _exit(9);
}

TEST_ENDS(exit_handlers_quick_and_at_once, "exit 9")
{
    at_quick_exit(print_a);
    at_quick_exit(quick_exit_in_handler);
    at_quick_exit(print_b);
    run_thread(nothing, NULL);
    quick_exit(3);
}

static void *quick_exit_here(void *status)
{
    quick_exit((int)(long)status);
}

TEST_ENDS(exit_handlers_quick_in_a_thread, "exit 11")
{
    at_quick_exit(print_a);
    run_thread(quick_exit_here, (void *)11);
}

static void exec_in_handler(void)
{
    execl("/bin/sh", "sh", "-c", "echo from a handler; exit 6", NULL);
}

TEST_ENDS(exit_handlers_that_execute, "exit 6")
{
    atexit(exec_in_handler);
    run_thread(nothing, NULL);
}

static void kill_in_handler(void)
{
    raise(SIGTERM);
}

TEST_ENDS(exit_handlers_that_kill, "signal 15")
{
    atexit(kill_in_handler);
    run_thread(nothing, NULL);
}

static void pthread_exit_in_handler(void)
{
    is("handler p", 1, 1);
    run_thread(nothing, NULL);
}

TEST(exit_handlers_after_pthread_exit)
{
    atexit(pthread_exit_in_handler);
    pthread_exit(NULL);
}

static void in_child(void)
{
    atexit(print_b);
}

TEST(exit_handlers_are_inherited)
{
    atexit(print_a);
    run_thread(nothing, NULL);
    text_is("child", status_of(in_child), "exit 0");
}

static void at_once_in_child(void)
{
    _exit(3);
}

TEST(exit_handlers_not_at_once)
{
    atexit(print_a);
    run_thread(nothing, NULL);
    text_is("child", status_of(at_once_in_child), "exit 3");
}

TEST(exit_flushes_each_stream)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", 1);
    setvbuf(stdout, NULL, _IOFBF, 4096);
    run_thread(nothing, NULL);
    fputs("buffered in stdout\n", stdout);
    is("pending", (long)__fpending(stdout), 19);
}

static void *return_main(void *unused)
{
    sleep_ms(1);
    is("a thread after main's pthread_exit", 1, 1);
    return unused;
}

TEST(exit_status_of_the_last_thread)
{
    begin(return_main, NULL);
    pthread_exit((void *)5);
}

static void exit_with_many(void)
{
    for (int i = 0; i < 100; i++)
        begin(wait_for_ever, NULL);
    exit(5);
}

TEST(exit_ends_other_threads)
{
    text_is("child", status_of(exit_with_many), "exit 5");
}

static void signalled_with_threads(void)
{
    for (int i = 0; i < 10; i++)
        begin(wait_for_ever, NULL);
    kill(getpid(), SIGINT);
    wait_for_ever(NULL);
}

TEST(exit_by_a_signal_ends_other_threads)
{
    text_is("child", status_of(signalled_with_threads), "signal 2");
}

static void exits_zero(void)
{
    exit(256);
}

TEST(exit_status_has_eight_bits)
{
    text_is("exit(256)", status_of(exits_zero), "exit 0");
}
