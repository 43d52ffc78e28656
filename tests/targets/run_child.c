/* Runs the program beside it that is named, and says how that ended; a thread of its own stays. */
#include <libgen.h>

#include "target.h"

int main(int argc, char **argv)
{
    char path[4096];
    int status;

    CHECK(argc == 2);
    start(stay, NULL);
    await_ready(1);
    snprintf(path, sizeof(path), "%s/%s", dirname(argv[0]), argv[1]);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl(path, argv[1], (char *)NULL);
        _exit(127);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    printf("%s ended with %d\n", argv[1], WEXITSTATUS(status));
    return 0;
}
