/* COMMAND's status survives whatever ends run while it reports. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"
#include "cli/run/keep_status.h"

static char path[] = "/tmp/check_keep_status.XXXXXX";

static int overflow(int depth)
{
    volatile char frame[4096];
    frame[0] = (char)depth;
    return depth < 0 ? 0 : frame[0] + overflow(depth + 1) + frame[0];
}

static void by_exit(void)
{
    exit(1);
}

static void by_abort(void)
{
    abort();
}

static void by_full_stack(void)
{
    overflow(0);
}

static void at_its_end(void)
{
    keep_status_end();
    exit(9);
}

/* The status of a process that kept this one, and that ended so. */
static int status_after(void (*ending)(void), int status, pid_t kill_pid)
{
    const char *volatile files[] = {path, NULL};
    int wait_status;
    pid_t pid = fork();
    if (pid == 0) {
        keep_status(status, kill_pid, files, 2);
        ending();
    }
    ck_assert_int_eq(waitpid(pid, &wait_status, 0), pid);
    ck_assert_msg(WIFEXITED(wait_status), "signal %d", WTERMSIG(wait_status));
    return WEXITSTATUS(wait_status);
}

START_TEST(exit_of_a_library)
{
    ck_assert_int_eq(status_after(by_exit, 3, 0), 3);
    ck_assert_int_eq(status_after(by_exit, 0, 0), 125);
}
END_TEST

START_TEST(fault)
{
#ifndef __SANITIZE_ADDRESS__
    ck_assert_int_eq(status_after(by_abort, 3, 0), 3);
    ck_assert_int_eq(status_after(by_full_stack, 0, 0), 125);
    ck_assert_int_eq(status_after(by_full_stack, 143, 0), 143);
#else
    (void)by_abort, (void)by_full_stack;
#endif
}
END_TEST

START_TEST(normal_end)
{
    ck_assert_int_eq(status_after(at_its_end, 3, 0), 9);
}
END_TEST

START_TEST(leaves_nothing)
{
    int wait_status;
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    ck_assert_int_eq(status_after(by_exit, 0, pid), 125);
    ck_assert_int_eq(waitpid(pid, &wait_status, 0), pid);
    ck_assert(WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("keep_status");
    tcase_add_test(tests, exit_of_a_library);
    tcase_add_test(tests, fault);
    tcase_add_test(tests, normal_end);
    tcase_add_test(tests, leaves_nothing);
    return suite_run("keep_status", tests);
}
