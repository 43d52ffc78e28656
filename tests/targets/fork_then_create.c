/* Right after each fork the parent creates a thread, which stays. The child lacks only the threads of the
 * forks before. */
#include "target.h"

#include <sched.h>
#include <sys/wait.h>

#define FORKS 40

int main(void)
{
    pid_t children[FORKS];
    /* On one processor the parent runs before the child. Only root may ask for it. */
    sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &(struct sched_param){.sched_priority = 1});
    for (int i = 0; i < FORKS; i++) {
        children[i] = fork();
        CHECK(children[i] >= 0);
        start(stay, NULL);
        if (children[i] == 0)
            exit(0);
    }
    for (int i = 0; i < FORKS; i++)
        CHECK(waitpid(children[i], NULL, 0) == children[i]);
    return 0;
}
