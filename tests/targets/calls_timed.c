/* Calls that end by their timeouts, after a second. See calls.h. */
#include "calls.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>

static struct timespec second = {1, 0}; /* must stay as it is */

static int timed_pair(int option)
{
    int ends[2];
    struct timeval time = {1, 0};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        abort();
    setsockopt(ends[0], SOL_SOCKET, option, &time, sizeof(time));
    return ends[0];
}

static long in_poll(struct row *row)
{
    near(row);
    return poll(NULL, 0, 1000);
}

static long in_ppoll(struct row *row)
{
    near(row);
    return ppoll(NULL, 0, &second, NULL);
}

static long in_select(struct row *row)
{
    struct timeval time = {1, 0};
    near(row);
    return select(0, NULL, NULL, NULL, &time);
}

static long in_pselect(struct row *row)
{
    near(row);
    return pselect(0, NULL, NULL, NULL, &second, NULL);
}

static long in_epoll_wait(struct row *row)
{
    struct epoll_event event;
    int fd = epoll_create1(0);
    near(row);
    return epoll_wait(fd, &event, 1, 1000);
}

static long in_epoll_pwait2(struct row *row)
{
#ifdef SYS_epoll_pwait2
    struct epoll_event event;
    int fd = epoll_create1(0);
    near(row);
    long n = syscall(SYS_epoll_pwait2, fd, &event, 1, &second, NULL, 0);
    return n < 0 && errno == ENOSYS ? skip(row, "no epoll_pwait2") : n;
#else
    return skip(row, "no epoll_pwait2");
#endif
}

static long in_recv(struct row *row)
{
    char c;
    int fd = timed_pair(SO_RCVTIMEO);
    near(row);
    return recv(fd, &c, 1, 0);
}

static long in_read(struct row *row)
{
    char c;
    int fd = timed_pair(SO_RCVTIMEO);
    near(row);
    return read(fd, &c, 1);
}

static long in_send(struct row *row)
{
    static char much[1 << 16];
    int fd = timed_pair(SO_SNDTIMEO);
    while (send(fd, much, sizeof(much), MSG_DONTWAIT) > 0 || send(fd, much, 1, MSG_DONTWAIT) > 0)
        ;
    near(row);
    return send(fd, much, 1, 0);
}

static long in_sigtimedwait(struct row *row)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    near(row);
    return sigtimedwait(&set, NULL, &second);
}

static long in_semtimedop(struct row *row)
{
    struct sembuf down = {.sem_op = -1};
    int id = semget(IPC_PRIVATE, 1, 0600);
    if (id < 0)
        return skip(row, "no System V semaphores");
    near(row);
    long n = semtimedop(id, &down, 1, &second);
    int why = errno;
    semctl(id, 0, IPC_RMID);
    errno = why;
    return n;
}

static long in_io_getevents(struct row *row)
{
    aio_context_t context = 0;
    struct io_event event;
    if (syscall(SYS_io_setup, 1, &context) != 0)
        return skip(row, "no native AIO");
    near(row);
    return syscall(SYS_io_getevents, context, 1, 1, &event, &second);
}

static long in_io_uring_enter(struct row *row)
{
    struct io_uring_params params = {0};
    struct __kernel_timespec time = {1, 0};
    struct io_uring_getevents_arg arg = {.ts = (uint64_t)(uintptr_t)&time};
    long fd = syscall(SYS_io_uring_setup, 4, &params);
    if (fd < 0 || !(params.features & IORING_FEAT_EXT_ARG))
        return skip(row, "no io_uring");
    near(row);
    return syscall(SYS_io_uring_enter, fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
                   sizeof(arg));
}

static long in_nanosleep(struct row *row)
{
    near(row);
    return nanosleep(&second, NULL);
}

/* The kernel would write the rest of the time to its own argument. */
static long in_nanosleep_same(struct row *row)
{
    static struct timespec time = {1, 0};
    near(row);
    long n = nanosleep(&time, &time);
    return time.tv_sec == 1 && time.tv_nsec == 0 ? n : -2;
}

static long in_clock_nanosleep(struct row *row)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    near(row);
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static long in_futex(struct row *row)
{
    near(row);
    return syscall(SYS_futex, &row->a, FUTEX_WAIT_PRIVATE, 0, &second, NULL, 0);
}

static long in_mq_timedreceive(struct row *row)
{
    char c, name[64];
    struct timespec until;
    struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 1};
    snprintf(name, sizeof(name), "/threadleak-timed-%d", (int)getpid());
    mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attr);
    mq_unlink(name);
    if (queue < 0)
        return skip(row, "no POSIX queues");
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    near(row);
    return mq_timedreceive(queue, &c, 1, NULL, &until);
}

static struct row rows[] = {
    TIMED(poll, 1, 0, 0),
    TIMED(ppoll, 1, 0, 0),
    TIMED(select, 1, 0, 0),
    TIMED(pselect, 1, 0, 0),
    TIMED(epoll_wait, 1, 0, 0),
    TIMED(epoll_pwait2, 1, 0, 0),
    TIMED(recv, 1, -1, EAGAIN),
    TIMED(read, 1, -1, EAGAIN),
    TIMED(send, 1, -1, EAGAIN),
    TIMED(sigtimedwait, 1, -1, EAGAIN),
    TIMED(semtimedop, 1, -1, EAGAIN),
    TIMED(io_getevents, 1, 0, 0),
    TIMED(io_uring_enter, 1, -1, ETIME),
    TIMED(nanosleep, 1, 0, 0),
    TIMED(nanosleep_same, 1, 0, 0),
    TIMED(clock_nanosleep, 1, 0, 0),
    TIMED(futex, 1, -1, ETIMEDOUT),
    TIMED(mq_timedreceive, 0.9, -1, ETIMEDOUT), /* by the clock that can be set */
};

int main(int argc, char **argv)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGRTMIN + 3);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    return run_rows(rows, sizeof(rows) / sizeof(rows[0]), argc > 1 ? argv[1] : NULL);
}
