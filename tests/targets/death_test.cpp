/* What death tests of GoogleTest do in both styles, and a fork that is none: each child leaves a thread. */
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

namespace testing
{
namespace internal
{
struct NoExecDeathTest {
    __attribute__((noinline)) static pid_t AssumeRole()
    {
        pid_t pid = fork();
        asm volatile("" : "+r"(pid)); /* not a tail call */
        return pid;
    }
};
} // namespace internal
} // namespace testing

static void *stay(void *)
{
    for (;;)
        pause();
}

static void leave_a_thread()
{
    pthread_t thread;
    exit(pthread_create(&thread, nullptr, stay, nullptr) ? 3 : 0);
}

static int end_of(pid_t child)
{
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

static pid_t start_again(char *program)
{
    pid_t child = fork();
    char flag[] = "--gtest_internal_run_death_test=a.cc|1|0|3";
    char *argv[] = {program, flag, nullptr};
    if (child == 0)
        execv(program, argv);
    return child;
}

int main(int argc, char **argv)
{
    const char *style = argc > 1 ? argv[1] : "";
    pid_t child;
    if (!strncmp(style, "--gtest", 7))
        leave_a_thread();
    if (!strcmp(style, "threadsafe"))
        return end_of(start_again(argv[0]));
    child = !strcmp(style, "fast") ? testing::internal::NoExecDeathTest::AssumeRole() : fork();
    if (child == 0)
        leave_a_thread();
    return end_of(child);
}
