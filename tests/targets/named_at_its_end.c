/* A detached thread ends just after it was given a name, and its stack is unmapped: before
 * pthread_setname_np() returns in the thread that called it. */
#include <dlfcn.h>
#include <sys/mman.h>

#include "target.h"

enum { STACK = 256 << 10 };

static sem_t release;
static char *memory;
static pid_t tid;

static void *wait_here(void *arg)
{
    tid = (pid_t)syscall(SYS_gettid);
    sem_post(&ready);
    await(&release);
    return arg;
}

static void end_thread(void)
{
    sem_post(&release);
    while (syscall(SYS_tgkill, getpid(), tid, 0) == 0)
        usleep(1000);
    CHECK(munmap(memory, STACK) == 0);
}

int main(void)
{
    pthread_t thread;
    pthread_attr_t attr;
    void (**after_setname)(void) = dlsym(RTLD_DEFAULT, "after_setname"); /* libsetname.so */
    CHECK(after_setname && sem_init(&release, 0, 0) == 0);
    memory = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED && pthread_attr_init(&attr) == 0);
    CHECK(pthread_attr_setstack(&attr, memory, STACK) == 0);
    CHECK(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0);
    CHECK(pthread_create(&thread, &attr, wait_here, NULL) == 0);
    await_ready(1);
    *after_setname = end_thread;
    CHECK(pthread_setname_np(thread, "short-lived") == 0);
    return 0;
}
