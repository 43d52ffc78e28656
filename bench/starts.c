/* starts ROUNDS LIBRARY COMMAND...: for each round it prints the ns for a start + exit of COMMAND, bare and
 * with LD_PRELOAD=LIBRARY. */
#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

static uint64_t start_once(char **command)
{
    pid_t pid;
    uint64_t begin = now_ns();
    int status, error = posix_spawnp(&pid, command[0], NULL, NULL, command, environ);
    if (error)
        errno = error, die(command[0]);
    if (waitpid(pid, &status, 0) != pid || status != 0)
        die("the command failed");
    return now_ns() - begin;
}

static uint64_t start_with(const char *library, char **command)
{
    setenv("LD_PRELOAD", library, 1);
    uint64_t ns = start_once(command);
    unsetenv("LD_PRELOAD");
    return ns;
}

/* The order changes with each round. The first one is not printed. */
static void measure_starts(long rounds, const char *library, char **command)
{
    uint64_t bare, with;
    for (long i = 0; i <= rounds; i++) {
        if (i % 2)
            with = start_with(library, command);
        bare = start_once(command);
        if (i % 2 == 0)
            with = start_with(library, command);
        if (i > 0)
            printf("%lu %lu\n", bare, with);
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
