/* The parent's thread is none of the child's: only the parent leaks. */
#include "target.h"

int main(void)
{
    int status;
    start(stay, NULL);
    await_ready(1);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        exit(9);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 9);
    return 0;
}
