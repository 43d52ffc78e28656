/* starts ROUNDS LIBRARY COMMAND...: for each round it prints the ns for a start + exit of COMMAND, bare and
 * with LD_PRELOAD=LIBRARY. */
#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

extern char **environ;

struct cost {
    uint64_t wall, cpu;
};

static uint64_t ns_of(struct timeval time)
{
    return ((uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_usec) * 1000u;
}

static struct cost start_once(char **command)
{
    pid_t pid;
    struct rusage usage;
    uint64_t begin = now_ns();
    int status, error = posix_spawnp(&pid, command[0], NULL, NULL, command, environ);
    if (error)
        errno = error, die(command[0]);
    if (wait4(pid, &status, 0, &usage) != pid || status != 0)
        die("the command failed");
    return (struct cost){now_ns() - begin, ns_of(usage.ru_utime) + ns_of(usage.ru_stime)};
}

static struct cost start_with(const char *library, char **command)
{
    setenv("LD_PRELOAD", library, 1);
    struct cost cost = start_once(command);
    unsetenv("LD_PRELOAD");
    return cost;
}

/* The order changes with each round. The first one is not printed. */
static void measure_starts(long rounds, const char *library, char **command)
{
    struct cost bare, with = {0};
    for (long i = 0; i <= rounds; i++) {
        if (i % 2)
            with = start_with(library, command);
        bare = start_once(command);
        if (i % 2 == 0)
            with = start_with(library, command);
        if (i > 0)
            printf("%lu %lu %lu %lu\n", bare.wall, bare.cpu, with.wall, with.cpu);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: starts ROUNDS LIBRARY COMMAND...\n", stderr);
        return 2;
    }
    measure_starts(atol(argv[1]), argv[2], argv + 3);
    return 0;
}
