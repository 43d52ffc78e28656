/*
 * Stop only closes a descriptor.  close(2) does not wake a thread that reads from it,
 * so the join hangs.  Right: shutdown(2), which ends the read.
 */
#include <sys/socket.h>

#include "pattern.h"

static int ends[2];

static void *receive(void *arg)
{
    char byte;
    sem_post(&ready);
    while (read(ends[0], &byte, 1) > 0)
        ;
    return arg;
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    pthread_t receiver = start(receive, NULL);
    await_ready(1);
    await_asleep();
    if (right)
        shutdown(ends[0], SHUT_RDWR);
    else
        close(ends[0]);
    pthread_join(receiver, NULL);
    return end_example();
}
