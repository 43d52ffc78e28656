/*
 * storm ROUNDS SEED: threads create, join, detach, cancel, fork and execute at once, in the order of a random
 * number, while signals arrive whose handlers create, fork and jump. It checks what it gets, prints "done",
 * and leaks nothing.
 */
#include <setjmp.h>
#include <spawn.h>

#include "tests/targets/target.h"

extern char **environ;

#define STORMERS 4

static int rounds;
static _Atomic int running, jumps;
static __thread sigjmp_buf back;
static __thread volatile sig_atomic_t may_jump;

static int status_of(pid_t pid)
{
    int status;
    pid_t got;
    while ((got = waitpid(pid, &status, 0)) < 0)
        CHECK(errno == EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void create_and_join(void)
{
    void *value;
    pthread_t thread = start(nothing, &rounds);
    CHECK(pthread_join(thread, &value) == 0 && value == &rounds);
}

static void create_and_cancel(void)
{
    void *value;
    pthread_t thread = start(stay, NULL);
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &value) == 0 && value == PTHREAD_CANCELED);
}

static void fork_one(void)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        create_and_join();
        _exit(7);
    }
    CHECK(status_of(pid) == 7);
}

static void execute_one(void)
{
    pid_t pid;
    char *argv[] = {"true", NULL};
    CHECK(posix_spawnp(&pid, "true", NULL, NULL, argv, environ) == 0);
    CHECK(status_of(pid) == 0);
}

static void jump(int number)
{
    (void)number;
    if (may_jump) {
        may_jump = 0;
        siglongjmp(back, 1);
    }
}

/* A handler leaves a wait for good. */
static void be_left_by_jump(void)
{
    static const struct timespec hour = {3600, 0};
    if (sigsetjmp(back, 1) == 0) {
        may_jump = 1;
        pthread_kill(pthread_self(), SIGUSR2);
        nanosleep(&hour, NULL);
    }
    jumps++;
    create_and_join();
}

static void act(unsigned kind)
{
    switch (kind) {
    case 0:
        return fork_one();
    case 1:
        return execute_one();
    case 2:
    case 3:
        return create_and_cancel();
    case 4:
        CHECK(pthread_detach(start(nothing, NULL)) == 0);
        return;
    case 5:
        return be_left_by_jump();
    default:
        return create_and_join();
    }
}

static void *storm(void *seed)
{
    unsigned random = (unsigned)(long)seed;
    for (int i = 0; i < rounds; i++)
        act((unsigned)rand_r(&random) % 10);
    running--;
    return seed;
}

/* By main, which is in no call of libc then. */
static void handle(int number)
{
    static unsigned turn;
    (void)number;
    if (turn++ % 2)
        create_and_join();
    else
        fork_one();
}

int main(int argc, char **argv)
{
    pthread_t threads[STORMERS];
    long seed = argc > 2 ? atol(argv[2]) : 1;
    sigset_t set;
    rounds = argc > 1 ? atoi(argv[1]) : 30;
    signal(SIGUSR1, handle);
    signal(SIGUSR2, jump);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    running = STORMERS;
    for (long i = 0; i < STORMERS; i++)
        threads[i] = start(storm, (void *)(seed + i));
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    while (running)
        raise(SIGUSR1);
    for (long i = 0; i < STORMERS; i++) {
        void *value;
        CHECK(pthread_join(threads[i], &value) == 0 && (long)value == seed + i);
    }
    CHECK(jumps > 0 || rounds < 30);
    puts("done");
    return 6;
}
