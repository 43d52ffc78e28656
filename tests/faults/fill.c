/*
 * fill [MEGABYTES]: creates threads until no more can be, or MOST of them, with so much memory in use. So its
 * end finds no room for another process, or no memory. It prints whether a creation failed, how many threads
 * it leaves, and whether a fork works then. It ends with 5.
 */
#include "tests/targets/target.h"

enum { MOST = 50 };

static void use_memory(size_t size)
{
    memset(malloc(size), 1, size);
}

int main(int argc, char **argv)
{
    int count = 0, error = 0;
    if (argc > 1)
        use_memory((size_t)atoi(argv[1]) << 20);
    for (pthread_t thread; count < MOST && !error;) {
        error = pthread_create(&thread, NULL, stay, NULL);
        count += !error;
    }
    await_ready(count);
    printf("error %d\nthreads %d\n", error, count);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    printf("fork %d\n", pid < 0 ? errno : 0);
    return 5;
}
