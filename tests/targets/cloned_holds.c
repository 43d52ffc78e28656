/* The main thread of a child that the system call clone made, not libc, holds a mutex that another thread
 * waits for. The child says "up" and waits for the end of its input, as its parent does. */
#include "target.h"

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *lock(void *unused)
{
    sem_post(&ready);
    CHECK(pthread_mutex_lock(&held) == 0);
    return unused;
}

static void wait_for_end(void)
{
    char byte;
    CHECK(read(0, &byte, 1) == 0);
    syscall(SYS_exit_group, 0);
}

int main(void)
{
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(pthread_mutex_lock(&held) == 0);
        start(lock, NULL);
        await_ready(1);
        CHECK(printf("up\n") == 3 && fflush(stdout) == 0);
    }
    wait_for_end();
}
