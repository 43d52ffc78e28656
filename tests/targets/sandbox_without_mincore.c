/* Creates threads in a sandbox that ends the program for mincore(2), which no thread needs. */
#include "sandbox.h"

int main(void)
{
    ENTER_SANDBOX(ON(mincore, SECCOMP_RET_KILL_PROCESS), OTHERS(SECCOMP_RET_ALLOW));
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    return 0;
}
