/* The reference to a gate is kept by the kernel: in pipes, queues, timers, files. See kept.h. */
#include "kept.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <termios.h>

static void keep_in_pipe(void *gate)
{
    int ends[2];
    const struct message message = {'a', gate};
    CHECK(pipe(ends) == 0 && write(ends[1], &message, sizeof(message)) == sizeof(message));
}

/* In a pipe whose descriptors are in a socket. */
static void keep_under_way(void *gate)
{
    int ends[2], sockets[2];
    char control[CMSG_SPACE(sizeof(ends))] = {0}, byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    CHECK(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    CHECK(write(ends[1], &gate, sizeof(gate)) == sizeof(gate));
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(ends));
    memcpy(CMSG_DATA(header), ends, sizeof(ends));
    CHECK(sendmsg(sockets[0], &message, 0) == 1 && close(ends[0]) == 0 && close(ends[1]) == 0);
}

static void keep_in_notification(void *gate)
{
    char name[32];
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_ptr = gate};
    snprintf(name, sizeof(name), "/kept%d", (int)getpid());
    mqd_t queue = mq_open(name, O_CREAT | O_RDWR, 0600, &attributes);
    CHECK(queue >= 0 && mq_unlink(name) == 0 && mq_notify(queue, &event) == 0);
}

static void keep_in_epoll(void *gate)
{
    int ends[2], poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = gate};
    CHECK(poll >= 0 && pipe(ends) == 0 && epoll_ctl(poll, EPOLL_CTL_ADD, ends[0], &event) == 0);
}

static void keep_in_timer(void *gate)
{
    timer_t timer;
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_ptr = gate};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
}

static void keep_in_signal(void *gate)
{
    CHECK(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_ptr = gate}) == 0);
}

static void keep_in_queue(void *gate)
{
    struct {
        long type;
        void *gate;
    } message = {1, gate};
    int queue = msgget(IPC_PRIVATE, 0600);
    CHECK(queue >= 0 && msgsnd(queue, &message, sizeof(message.gate), 0) == 0);
    printf("queue %d\n", queue);
}

static void keep_in_memfd(void *gate)
{
    int file = memfd_create("kept", 0);
    CHECK(file >= 0 && write(file, &gate, sizeof(gate)) == sizeof(gate));
}

static void keep_in_file(void *gate)
{
    char path[] = "/tmp/kept.XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0 && unlink(path) == 0 && write(file, &gate, sizeof(gate)) == sizeof(gate));
}

/* What was written to the terminal is not read yet from the other end. */
static void keep_in_terminal(void *gate)
{
    struct termios modes;
    int leader = posix_openpt(O_RDWR | O_NOCTTY);
    CHECK(leader >= 0 && grantpt(leader) == 0 && unlockpt(leader) == 0);
    int terminal = open(ptsname(leader), O_RDWR | O_NOCTTY);
    CHECK(terminal >= 0 && tcgetattr(terminal, &modes) == 0);
    cfmakeraw(&modes);
    CHECK(tcsetattr(terminal, TCSANOW, &modes) == 0);
    CHECK(write(terminal, &gate, sizeof(gate)) == sizeof(gate));
}

static void *keep_in_own_pipe(void *arg)
{
    int ends[2];
    CHECK(unshare(CLONE_FILES) == 0 && pipe(ends) == 0 && write(ends[1], &arg, sizeof(arg)) == sizeof(arg));
    arg = NULL;
    sem_post(&ready);
    for (;;)
        pause();
    return arg;
}

static void keep_in_own_files(void *gate)
{
    pthread_detach(start(keep_in_own_pipe, gate));
    await_ready(1);
}

static const struct place places[] = {
    PLACE(pipe, keep_in_pipe),
    PLACE(under_way, keep_under_way),
    PLACE(notification, keep_in_notification),
    PLACE(epoll, keep_in_epoll),
    PLACE(timer, keep_in_timer),
    PLACE(signal, keep_in_signal),
    PLACE(queue, keep_in_queue),
    PLACE(memfd, keep_in_memfd),
    PLACE(file, keep_in_file),
    PLACE(terminal, keep_in_terminal),
    PLACE(own_files, keep_in_own_files),
};

int main(int argc, char **argv)
{
    return keep(places, sizeof(places) / sizeof(*places), argc, argv);
}
