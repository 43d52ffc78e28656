#include "blocked_calls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "snapshot_child.h"

enum { HOUR = 3600 };

static long in_nanosleep(void)
{
    struct timespec time = {.tv_sec = HOUR};
    return nanosleep(&time, NULL);
}

static long in_clock_nanosleep(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += HOUR;
    int why = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    errno = why;
    return why ? -1 : 0;
}

static long in_pipe_read(void)
{
    int ends[2];
    char c;
    return pipe(ends) != 0 ? -1 : read(ends[0], &c, 1);
}

/* A write that has moved a part returns that part, as after SIGSTOP; this has moved nothing. */
static long in_pipe_write(void)
{
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) != 0)
        return -1;
    while (write(ends[1], "x", 1) == 1)
        ;
    fcntl(ends[1], F_SETFL, 0);
    return write(ends[1], "x", 1);
}

static long in_sem_wait(void)
{
    static sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    return sem_wait(&semaphore);
}

static long in_sem_timedwait(void)
{
    static sem_t semaphore;
    struct timespec until;
    sem_init(&semaphore, 0, 0);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HOUR;
    return sem_timedwait(&semaphore, &until);
}

static long in_futex(void)
{
    static int word;
    return syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0);
}

static long in_poll(void)
{
    return poll(NULL, 0, HOUR * 1000);
}

static long in_ppoll(void)
{
    sigset_t none;
    sigemptyset(&none);
    return ppoll(NULL, 0, NULL, &none);
}

static long in_select(void)
{
    struct timeval time = {.tv_sec = HOUR};
    return select(0, NULL, NULL, NULL, &time);
}

static long in_epoll_wait(void)
{
    struct epoll_event event;
    return epoll_wait(epoll_create1(0), &event, 1, -1);
}

static long in_epoll_wait_timed(void)
{
    struct epoll_event event;
    return epoll_wait(epoll_create1(0), &event, 1, HOUR * 1000);
}

static long in_epoll_pwait(void)
{
    struct epoll_event event;
    sigset_t none;
    sigemptyset(&none);
    return epoll_pwait(epoll_create1(0), &event, 1, -1, &none);
}

static long in_eventfd(void)
{
    eventfd_t value;
    return eventfd_read(eventfd(0, 0), &value);
}

static long in_timerfd(void)
{
    struct itimerspec time = {.it_value.tv_sec = HOUR};
    uint64_t count;
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    timerfd_settime(fd, 0, &time, NULL);
    return read(fd, &count, sizeof(count));
}

static long in_inotify(void)
{
    char buffer[4096];
    return read(inotify_init(), buffer, sizeof(buffer));
}

static int listening(int timed)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval time = {.tv_sec = timed ? HOUR : 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
    return bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1) != 0 ? -1 : fd;
}

static long in_accept(void)
{
    return accept(listening(0), NULL, NULL);
}

static long in_accept_timed(void)
{
    return accept(listening(1), NULL, NULL);
}

static int paired(int option)
{
    int ends[2];
    struct timeval time = {.tv_sec = HOUR};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return -1;
    if (option)
        setsockopt(ends[0], SOL_SOCKET, option, &time, sizeof(time));
    return ends[0];
}

static long in_recv(void)
{
    char c;
    return recv(paired(0), &c, 1, 0);
}

static long in_recv_timed(void)
{
    char c;
    return recv(paired(SO_RCVTIMEO), &c, 1, 0);
}

static long in_read_timed(void)
{
    char c;
    return read(paired(SO_RCVTIMEO), &c, 1);
}

static long in_recvmsg_timed(void)
{
    char c;
    struct iovec iov = {&c, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    return recvmsg(paired(SO_RCVTIMEO), &message, 0);
}

/* The first call fills the buffers; the one that then blocks has sent nothing. */
static long in_send_timed(void)
{
    static char much[1 << 16];
    int fd = paired(SO_SNDTIMEO);
    while (send(fd, much, sizeof(much), MSG_DONTWAIT) > 0)
        ;
    while (send(fd, much, 1, MSG_DONTWAIT) > 0)
        ;
    return send(fd, much, 1, 0);
}

static long in_semop(void)
{
    struct sembuf operation = {.sem_op = -1};
    int id = semget(IPC_PRIVATE, 1, 0600);
    atomic_store(&shared->extra, id + 1);
    return semop(id, &operation, 1);
}

static long in_msgrcv(void)
{
    struct {
        long type;
        char text[1];
    } message;
    int id = msgget(IPC_PRIVATE, 0600);
    atomic_store(&shared->result[63], id + 1);
    return msgrcv(id, &message, 1, 0, 0);
}

static long in_sigtimedwait(void)
{
    struct timespec time = {.tv_sec = HOUR};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    return sigtimedwait(&set, NULL, &time);
}

static long in_sigwait(void)
{
    sigset_t set;
    int signal;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    return sigwait(&set, &signal);
}

static long in_sigsuspend(void)
{
    sigset_t all;
    sigfillset(&all);
    return sigsuspend(&all);
}

static long in_pause(void)
{
    return pause();
}

static long in_io_getevents(void)
{
    aio_context_t context = 0;
    struct io_event event;
    if (syscall(SYS_io_setup, 1, &context) != 0)
        return in_pause(); /* no such calls here */
    return syscall(SYS_io_getevents, context, 1, 1, &event, NULL);
}

static long in_mq_receive(void)
{
    char text[8192];
    mqd_t queue = mq_open("/threadleak-check", O_RDWR | O_CREAT, 0600, NULL);
    mq_unlink("/threadleak-check");
    return queue == (mqd_t)-1 ? in_pause() : mq_receive(queue, text, sizeof(text), NULL);
}

static long in_wait(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    atomic_store(&shared->result[62], pid);
    return waitpid(pid, NULL, 0);
}

static long in_flock(void)
{
    FILE *file = tmpfile();
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(file));
    flock(fileno(file), LOCK_EX);
    return flock(open(path, O_RDWR), LOCK_EX);
}

const struct blocked_call blocked_calls[] = {
#define CALL(name)       \
    {                    \
#name, in_##name \
    }
    CALL(nanosleep),     CALL(clock_nanosleep),
    CALL(pipe_read),     CALL(pipe_write),
    CALL(sem_wait),      CALL(futex),
    CALL(sem_timedwait), CALL(poll),
    CALL(ppoll),         CALL(select),
    CALL(epoll_wait),    CALL(epoll_pwait),
    CALL(eventfd),       CALL(epoll_wait_timed),
    CALL(timerfd),       CALL(inotify),
    CALL(accept),        CALL(accept_timed),
    CALL(recv),          CALL(recv_timed),
    CALL(read_timed),    CALL(recvmsg_timed),
    CALL(send_timed),    CALL(semop),
    CALL(msgrcv),        CALL(sigwait),
    CALL(sigtimedwait),  CALL(sigsuspend),
    CALL(pause),         CALL(io_getevents),
    CALL(mq_receive),    CALL(wait),
    CALL(flock),
};
_Static_assert(sizeof(blocked_calls) / sizeof(blocked_calls[0]) == CALLS, "CALLS is the length of the table");
