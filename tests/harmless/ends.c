/* The ends of a process: what runs, in which order, and with which status. */
#include <sys/wait.h>

#include "harmless.h"

static void at_1(void)
{
    is("handler", 1, 1);
}
static void at_2(void)
{
    is("handler", 2, 2);
}
static void at_3(void)
{
    is("handler", 3, 3);
}

static void on_status(int status, void *arg)
{
    is("status of on_exit", status, (long)arg);
}

static bool prints;

__attribute__((destructor)) static void destruct(void)
{
    if (prints)
        is("destructor", 1, 1);
}

TEST_ENDS(end_order, "exit 3")
{
    prints = true;
    atexit(at_1);
    on_exit(on_status, (void *)3);
    atexit(at_2);
    begin(wait_for_ever, NULL);
    printf("buffered: 1\n");
    exit(3);
}

static void registers(void)
{
    at_1();
    atexit(at_2);
}

TEST(end_registers_more)
{
    atexit(at_3);
    atexit(registers);
    run_thread(nothing, NULL);
}

static void exits_again(void)
{
    at_1();
    exit(5);
}

TEST_ENDS(end_in_an_end, "exit 5")
{
    atexit(at_2);
    atexit(exits_again);
    begin(wait_for_ever, NULL);
    exit(4);
}

TEST_ENDS(end_quickly, "exit 4")
{
    prints = true;
    at_quick_exit(at_1);
    at_quick_exit(at_2);
    atexit(at_3);
    begin(wait_for_ever, NULL);
    printf("lost\n");
    quick_exit(4);
}

TEST_ENDS(end_at_once, "exit 4")
{
    prints = true;
    atexit(at_1);
    at_quick_exit(at_2);
    begin(wait_for_ever, NULL);
    printf("lost\n");
    _exit(4);
}

TEST_ENDS(end_with_a_large_status, "exit 1")
{
    begin(wait_for_ever, NULL);
    exit(257);
}

static void *exit_here(void *status)
{
    exit((int)(long)status);
}

TEST_ENDS(end_by_a_thread, "exit 6")
{
    prints = true;
    atexit(at_1);
    run_thread(exit_here, (void *)6);
}

static void exit_in_handler(int number)
{
    (void)number;
    exit(7);
}

TEST_ENDS(end_by_a_signal_handler, "exit 7")
{
    atexit(at_1);
    begin(wait_for_ever, NULL);
    signal(SIGTERM, exit_in_handler);
    raise(SIGTERM);
}

static void create_and_join(void)
{
    is("thread of a handler", (long)run_thread(nothing, (void *)3), 3);
}

TEST(end_creates)
{
    atexit(create_and_join);
    begin(wait_for_ever, NULL);
}

TEST(end_creates_the_first)
{
    atexit(create_and_join);
}

static void fork_at_end(void)
{
    text_is("child of a handler", status_of(abort), "signal 6");
}

TEST(end_forks)
{
    atexit(fork_at_end);
    begin(wait_for_ever, NULL);
}

static void system_at_end(void)
{
    is("a shell", system("grep ^SigIgn /proc/self/status"), 0);
}

TEST(end_starts_a_program)
{
    atexit(system_at_end);
    begin(wait_for_ever, NULL);
}

static pthread_t main_thread;

static void *outlives(void *unused)
{
    is("main has ended", pthread_join(main_thread, NULL), 0);
    return unused;
}

TEST(end_of_main_alone)
{
    prints = true;
    atexit(at_1);
    main_thread = pthread_self();
    begin(outlives, NULL);
    pthread_exit((void *)9);
}

static void pop(void *unused)
{
    (void)unused;
    is("cleanup of main", 1, 1);
}

TEST(end_of_main_with_handlers)
{
    pthread_cleanup_push(pop, NULL);
    pthread_exit(NULL);
    pthread_cleanup_pop(0);
}

TEST_ENDS(end_by_abort, "signal 6")
{
    prints = true;
    atexit(at_1);
    begin(wait_for_ever, NULL);
    abort();
}

static void abort_handler(int number)
{
    is("handler of", number, SIGABRT);
}

TEST_ENDS(end_by_abort_with_a_handler, "signal 6")
{
    signal(SIGABRT, abort_handler);
    begin(wait_for_ever, NULL);
    abort();
}

TEST_ENDS(end_by_abort_while_blocked, "signal 6")
{
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    begin(wait_for_ever, NULL);
    abort();
}

TEST_ENDS(end_by_abort_while_ignored, "signal 6")
{
    signal(SIGABRT, SIG_IGN);
    begin(wait_for_ever, NULL);
    abort();
}

static void *abort_here(void *unused)
{
    (void)unused;
    abort();
}

TEST_ENDS(end_by_abort_of_a_thread, "signal 6")
{
    run_thread(abort_here, NULL);
}

TEST_ENDS(end_by_kill, "signal 9")
{
    begin(wait_for_ever, NULL);
    kill(getpid(), SIGKILL);
}

static void *exits_too(void *status)
{
    _exit((int)(long)status);
}

TEST_ENDS(end_by_two, "exit 8")
{
    begin(exits_too, (void *)8);
    run_thread(exits_too, (void *)8);
}

static void exit_in_child(void)
{
    at_1();
    exit(2);
}

TEST(end_of_a_child)
{
    atexit(at_2);
    run_thread(nothing, NULL);
    text_is("child", status_of(exit_in_child), "exit 2");
}

static void pthread_exit_in_child(void)
{
    begin(nothing, NULL);
    pthread_exit(NULL);
}

TEST(end_of_the_last_thread_of_a_child)
{
    text_is("child", status_of(pthread_exit_in_child), "exit 0");
}
