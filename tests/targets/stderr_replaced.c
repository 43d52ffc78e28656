/* A child has a leak at its end, where descriptor 2 is not standard error any more, but a connection or a
 * file of the program. Nobody else writes there. */
#include <fcntl.h>
#include <sys/socket.h>

#include "target.h"

static pid_t begin_child(int descriptor)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    CHECK(dup2(descriptor, 2) == 2 && close(descriptor) == 0);
    start(stay, NULL);
    await_ready(1);
    exit(0);
}

static void end_child(pid_t child)
{
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(void)
{
    int ends[2];
    char byte, name[] = "/tmp/threadleak-stderr-XXXXXX";
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    pid_t child = begin_child(ends[1]);
    close(ends[1]);
    CHECK(read(ends[0], &byte, 1) == 0);
    end_child(child);

    int file = mkstemp(name);
    CHECK(file >= 0 && unlink(name) == 0);
    end_child(begin_child(file));
    CHECK(lseek(file, 0, SEEK_END) == 0);
    return 0;
}
