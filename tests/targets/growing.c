/*
 * A server that runs until its input ends. By argument:
 *     leak      ten threads each 50 ms, detached, which stay
 *     unjoined  five threads each 50 ms, which end, and nobody joins them
 *     pool      grows to 24 threads within a second, and stays so
 *     bursts    24 threads come at once and end, again and again
 *     exec      becomes "leak" by exec when it gets SIGUSR1, and is "pool" before
 */
#include <stdbool.h>

#include "target.h"

static char **arguments;

static NOINLINE void handle_request(void *(*routine)(void *), bool detached)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, routine, NULL) == 0);
    if (detached)
        CHECK(pthread_detach(thread) == 0);
}

static void *end_at_once(void *arg)
{
    return arg;
}

static void leak(void)
{
    for (;; usleep(50000))
        for (int i = 0; i < 10; i++)
            handle_request(stay, true);
}

static void leave_unjoined(void)
{
    for (;; usleep(50000))
        for (int i = 0; i < 5; i++)
            handle_request(end_at_once, false);
}

static void fill_pool(void)
{
    for (int i = 0; i < 24; i++, usleep(40000))
        handle_request(stay, true);
    for (;;)
        pause();
}

static void *wait_for_ever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

/* "twins": one thread of each of two start routines, created by the same line. */
static void create_twins(void)
{
    void *(*const routines[])(void *) = {stay, wait_for_ever};
    for (int i = 0; i < 2; i++)
        handle_request(routines[i], true);
    for (;;)
        pause();
}

static void burst(void)
{
    pthread_t threads[24];
    for (;; usleep(100000)) {
        for (int i = 0; i < 24; i++)
            CHECK(pthread_create(&threads[i], NULL, end_at_once, NULL) == 0);
        for (int i = 0; i < 24; i++)
            CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

static void *end_with_input(void *arg)
{
    char byte;
    CHECK(read(0, &byte, 1) == 0);
    syscall(SYS_exit_group, 0);
    return arg;
}

static void become_leak(int signal)
{
    (void)signal;
    execl(arguments[0], arguments[0], "leak", NULL);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    arguments = argv;
    start(end_with_input, NULL);
    signal(SIGUSR1, become_leak);
    CHECK(write(1, "up\n", 3) == 3);
    if (strcmp(what, "leak") == 0)
        leak();
    if (strcmp(what, "unjoined") == 0)
        leave_unjoined();
    if (strcmp(what, "twins") == 0)
        create_twins();
    if (strcmp(what, "bursts") == 0)
        burst();
    fill_pool();
}
