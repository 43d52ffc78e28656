/* A program that `selftest` runs, with its output and a time limit. */
#ifndef THREADLEAK_CLI_SELFTEST_CHILD_H
#define THREADLEAK_CLI_SELFTEST_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct selftest_text {
    char *bytes; /* with a NUL at its end; NULL: nothing yet */
    size_t size;
    int fd; /* -1: at its end */
};

struct selftest_child {
    pid_t pid;
    int in; /* its standard input; -1: closed */
    struct selftest_text out, err;
};

/* Starts argv[0], a path, with THREADLEAK_OPTIONS `options` (NULL: without it), and
 * LD_PRELOAD beginning with `preload` if that is not NULL.  False with errno. */
bool selftest_start(struct selftest_child *child, char *const argv[], const char *preload,
                    const char *options);

/* Reads on until `text` contains `wanted`.  False: it ended before, or took too long. */
bool selftest_await(struct selftest_child *child, struct selftest_text *text, const char *wanted);

/* Closes its input, reads the rest, and waits for it. Kills it if that takes too long. Returns the status of
 * waitpid. */
int selftest_end(struct selftest_child *child);
void selftest_release(struct selftest_child *child);

#endif
