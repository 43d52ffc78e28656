#include "snapshot_child.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc/process.h"
#include "proc/tasks.h"

struct shared *shared;

double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

pid_t child_start(void (*run)(void))
{
    if (!shared)
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(shared != MAP_FAILED);
    memset(shared, 0, sizeof(*shared));
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    run();
    _exit(0);
}

void child_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

void child_ready(void)
{
    atomic_fetch_add(&shared->ready, 1);
}

void wait_ready(int count)
{
    double end = now_s() + PATIENCE_S;
    while (atomic_load(&shared->ready) < count) {
        ck_assert_msg(now_s() < end, "%d of %d threads are ready", atomic_load(&shared->ready), count);
        usleep(200);
    }
}

int count_states(pid_t pid, const char *states)
{
    struct task_list list;
    int count = 0;
    if (!process_tasks(pid, &list))
        return 0;
    for (size_t i = 0; i < list.count; i++)
        count += strchr(states, list.tasks[i].state) != NULL;
    task_list_release(&list);
    return count;
}

bool wait_for_states(pid_t pid, const char *states)
{
    for (double end = now_s() + PATIENCE_S; now_s() < end; usleep(500)) {
        struct task_list list;
        if (!process_tasks(pid, &list))
            continue;
        size_t in = 0;
        for (size_t i = 0; i < list.count; i++)
            in += strchr(states, list.tasks[i].state) != NULL;
        bool all = in == list.count;
        task_list_release(&list);
        if (all)
            return true;
    }
    return false;
}

pthread_t start_thread(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    if (pthread_create(&thread, &attr, run, arg) != 0)
        _exit(99);
    pthread_attr_destroy(&attr);
    return thread;
}

_Noreturn void wait_forever(void)
{
    child_ready();
    for (;;)
        pause();
}

void *wait_in_thread(void *arg)
{
    (void)arg;
    wait_forever();
}

void run_two(void)
{
    start_thread(wait_in_thread, NULL);
    wait_forever();
}
