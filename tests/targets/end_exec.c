/* Becomes /bin/echo by the exec function named while a thread is alive. */
#include <fcntl.h>

#include "target.h"

static char *const args[] = {"echo", "hello", NULL};
int execveat(int, const char *, char *const[], char *const[], int) __attribute__((weak)); /* glibc 2.34 */

static void become_echo(const char *by)
{
    const char *path = "/bin/echo";
    if (strcmp(by, "execve") == 0)
        execve(path, args, environ);
    else if (strcmp(by, "execv") == 0)
        execv(path, args);
    else if (strcmp(by, "execvp") == 0)
        execvp("echo", args);
    else if (strcmp(by, "execvpe") == 0)
        execvpe("echo", args, environ);
    else if (strcmp(by, "execl") == 0)
        execl(path, "echo", "hello", (char *)NULL);
    else if (strcmp(by, "execlp") == 0)
        execlp("echo", "echo", "hello", (char *)NULL);
    else if (strcmp(by, "execle") == 0)
        execle(path, "echo", "hello", (char *)NULL, environ);
    else if (strcmp(by, "fexecve") == 0)
        fexecve(open(path, O_RDONLY | O_CLOEXEC), args, environ);
    else if (strcmp(by, "execveat") == 0)
        CHECK(execveat && execveat(AT_FDCWD, path, args, environ, 0) == 0);
}

int main(int argc, char **argv)
{
    start(stay, NULL);
    await_ready(1);
    become_echo(argc > 1 ? argv[1] : "execve");
    CHECK(!"became echo");
}
