/*
 * Fork with a pool.  The child has a copy of the queue, but the workers exist only in
 * the parent.  The child waits for ever for its job.  Right: the child starts a worker
 * of its own.
 */
#include "pattern.h"

static sem_t jobs, results;
static bool stopping;

static void *work(void *arg)
{
    for (;;) {
        sem_wait(&jobs);
        if (stopping)
            return arg;
        sem_post(&results);
    }
}

static void do_job(void)
{
    sem_post(&jobs);
    sem_wait(&results);
}

static void pool_stop(pthread_t worker)
{
    stopping = true;
    sem_post(&jobs);
    CHECK(pthread_join(worker, NULL) == 0);
}

static int child(void)
{
    pthread_t worker;
    printf("child %d\n", getpid());
    fflush(stdout);
    if (right)
        worker = start(work, NULL);
    do_job();
    if (right)
        pool_stop(worker);
    return 0;
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    sem_init(&jobs, 0, 0);
    sem_init(&results, 0, 0);
    pthread_t worker = start(work, NULL);
    do_job();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        return child();
    CHECK(waitpid(pid, NULL, 0) == pid);
    pool_stop(worker);
    return end_example();
}
