/* Calls that wait for events: polls, signals, queues, asynchronous I/O, futexes, locks, children. See
 * calls.h. */
#include "calls.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/wait.h>

enum { HOUR = 3600 };
static sigset_t none;

static void add_one(struct row *row)
{
    if (eventfd_write(row->a, 1) != 0)
        abort();
}

/* ---- polls ---- */

static struct pollfd of_event(struct row *row)
{
    row->a = eventfd(0, 0);
    return (struct pollfd){.fd = row->a, .events = POLLIN};
}

static long in_poll(struct row *row)
{
    struct pollfd watched = of_event(row);
    near(row);
    return poll(&watched, 1, -1);
}

static long in_poll_hour(struct row *row)
{
    struct pollfd watched = of_event(row);
    near(row);
    return poll(&watched, 1, HOUR * 1000);
}

static long in_poll_closed(struct row *row)
{
    struct pollfd watched = of_event(row);
    near(row);
    return poll(&watched, 1, -1);
}

static long in_ppoll(struct row *row)
{
    struct timespec hour = {HOUR, 0};
    struct pollfd watched = of_event(row);
    near(row);
    return ppoll(&watched, 1, &hour, &none);
}

static long in_select(struct row *row)
{
    struct timeval hour = {HOUR, 0};
    fd_set in;
    row->a = eventfd(0, 0);
    FD_ZERO(&in);
    FD_SET(row->a, &in);
    near(row);
    return select(row->a + 1, &in, NULL, NULL, &hour);
}

static long in_pselect(struct row *row)
{
    fd_set in;
    row->a = eventfd(0, 0);
    FD_ZERO(&in);
    FD_SET(row->a, &in);
    near(row);
    return pselect(row->a + 1, &in, NULL, NULL, NULL, &none);
}

static int epoll_of_event(struct row *row)
{
    struct epoll_event event = {.events = EPOLLIN};
    int fd = epoll_create1(0);
    row->a = eventfd(0, 0);
    epoll_ctl(fd, EPOLL_CTL_ADD, row->a, &event);
    return fd;
}

static long in_epoll_wait(struct row *row)
{
    struct epoll_event event;
    int fd = epoll_of_event(row);
    near(row);
    return epoll_wait(fd, &event, 1, -1);
}

static long in_epoll_wait_hour(struct row *row)
{
    struct epoll_event event;
    int fd = epoll_of_event(row);
    near(row);
    return epoll_wait(fd, &event, 1, HOUR * 1000);
}

static long in_epoll_pwait(struct row *row)
{
    struct epoll_event event;
    int fd = epoll_of_event(row);
    near(row);
    return epoll_pwait(fd, &event, 1, -1, &none);
}

/* ---- signals ---- */

static void send_signal(struct row *row)
{
    syscall(SYS_tgkill, getpid(), atomic_load(&row->tid), SIGRTMIN + row->b);
}

static sigset_t set_of(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return set;
}

static long in_sigwaitinfo(struct row *row)
{
    sigset_t set = set_of(SIGRTMIN + (row->b = 3));
    near(row);
    return sigwaitinfo(&set, NULL) == SIGRTMIN + 3 ? 0 : -1;
}

static long in_sigtimedwait(struct row *row)
{
    struct timespec hour = {HOUR, 0};
    sigset_t set = set_of(SIGRTMIN + (row->b = 4));
    near(row);
    return sigtimedwait(&set, NULL, &hour) == SIGRTMIN + 4 ? 0 : -1;
}

static void handle(int signal)
{
    (void)signal;
}

static long in_sigsuspend(struct row *row)
{
    sigset_t all;
    signal(SIGRTMIN + (row->b = 5), handle);
    sigfillset(&all);
    sigdelset(&all, SIGRTMIN + 5);
    near(row);
    return sigsuspend(&all);
}

static long in_pause(struct row *row)
{
    sigset_t set = set_of(SIGRTMIN + (row->b = 6));
    signal(SIGRTMIN + 6, handle);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    near(row);
    return pause();
}

/* ---- System V and POSIX queues ---- */

static void post(struct row *row)
{
    struct sembuf up = {.sem_op = 1};
    semop(row->a, &up, 1);
    usleep(1000);
    semctl(row->a, 0, IPC_RMID);
}

static long in_semop(struct row *row)
{
    struct sembuf down = {.sem_op = -1};
    row->a = semget(IPC_PRIVATE, 1, 0600);
    if (row->a < 0)
        return skip(row, "no System V semaphores");
    near(row);
    return semop(row->a, &down, 1);
}

static long in_semtimedop(struct row *row)
{
    struct timespec hour = {HOUR, 0};
    struct sembuf down = {.sem_op = -1};
    row->a = semget(IPC_PRIVATE, 1, 0600);
    if (row->a < 0)
        return skip(row, "no System V semaphores");
    near(row);
    return semtimedop(row->a, &down, 1, &hour);
}

struct message {
    long type;
    char text[1024];
};

static void send_message(struct row *row)
{
    struct message message = {.type = 1};
    msgsnd(row->a, &message, 1, 0);
}

static void receive_message(struct row *row)
{
    struct message message;
    msgrcv(row->a, &message, sizeof(message.text), 0, 0);
}

static long in_msgrcv(struct row *row)
{
    struct message message;
    row->a = msgget(IPC_PRIVATE, 0600);
    if (row->a < 0)
        return skip(row, "no System V queues");
    near(row);
    long n = msgrcv(row->a, &message, 1, 0, 0);
    int why = errno;
    msgctl(row->a, IPC_RMID, NULL);
    errno = why;
    return n;
}

static long in_msgsnd(struct row *row)
{
    struct message message = {.type = 1};
    row->a = msgget(IPC_PRIVATE, 0600);
    if (row->a < 0)
        return skip(row, "no System V queues");
    while (msgsnd(row->a, &message, sizeof(message.text), IPC_NOWAIT) == 0)
        ;
    near(row);
    long n = msgsnd(row->a, &message, sizeof(message.text), 0);
    int why = errno;
    msgctl(row->a, IPC_RMID, NULL);
    errno = why;
    return n;
}

static bool open_queue(struct row *row, const char *which)
{
    char name[64];
    struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 1};
    snprintf(name, sizeof(name), "/threadleak-%s-%d", which, (int)getpid());
    row->a = mq_open(name, O_RDWR | O_CREAT, 0600, &attr);
    mq_unlink(name);
    return row->a >= 0;
}

static void mq_put(struct row *row)
{
    mq_send(row->a, "x", 1, 0);
}

static void mq_get(struct row *row)
{
    char c;
    mq_receive(row->a, &c, 1, NULL);
}

static long in_mq_receive(struct row *row)
{
    char c;
    if (!open_queue(row, "receive"))
        return skip(row, "no POSIX queues");
    near(row);
    return mq_receive(row->a, &c, 1, NULL);
}

static long in_mq_send(struct row *row)
{
    if (!open_queue(row, "send"))
        return skip(row, "no POSIX queues");
    mq_put(row);
    near(row);
    return mq_send(row->a, "y", 1, 0);
}

/* ---- asynchronous I/O ---- */

static void submit_read(struct row *row)
{
    static char here[16];
    static struct iocb block, *list[] = {&block};
    block = (struct iocb){
        .aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (uint64_t)(uintptr_t)here, .aio_nbytes = 16};
    block.aio_fildes = (uint32_t)open("/proc/self/exe", O_RDONLY);
    if (syscall(SYS_io_submit, row->p, 1, list) != 1)
        abort();
}

static long wait_for_events(struct row *row, struct timespec *time)
{
    aio_context_t context = 0;
    struct io_event event;
    if (syscall(SYS_io_setup, 1, &context) != 0)
        return skip(row, "no native AIO");
    row->p = (void *)context;
    near(row);
    return syscall(SYS_io_getevents, context, 1, 1, &event, time);
}

static long in_io_getevents(struct row *row)
{
    return wait_for_events(row, NULL);
}

static long in_io_getevents_hour(struct row *row)
{
    struct timespec hour = {HOUR, 0};
    return wait_for_events(row, &hour);
}

struct ring {
    int fd;
    unsigned *tail, *array;
    struct io_uring_sqe *entries;
};

static bool ring_open(struct row *row)
{
    struct io_uring_params params = {0};
    struct ring *ring = calloc(1, sizeof(*ring));
    if (!ring || (ring->fd = (int)syscall(SYS_io_uring_setup, 4, &params)) < 0)
        return false;
    size_t size = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    char *queue = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
    ring->tail = (unsigned *)(queue + params.sq_off.tail);
    ring->array = (unsigned *)(queue + params.sq_off.array);
    ring->entries = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                         MAP_SHARED, ring->fd, IORING_OFF_SQES);
    row->p = ring;
    return true;
}

static void ring_add(struct ring *ring, uint8_t opcode, int fd)
{
    static char here[8];
    unsigned at = *ring->tail % 4;
    ring->entries[at] =
        (struct io_uring_sqe){.opcode = opcode, .fd = fd, .addr = (uint64_t)(uintptr_t)here, .len = 1};
    ring->array[at] = at;
    __atomic_store_n(ring->tail, *ring->tail + 1, __ATOMIC_RELEASE);
}

static void submit_nothing(struct row *row)
{
    struct ring *ring = row->p;
    ring_add(ring, IORING_OP_NOP, -1);
    syscall(SYS_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0);
}

static void end_read(struct row *row)
{
    if (write(row->b, "x", 1) != 1)
        abort();
}

static long in_io_uring_enter(struct row *row)
{
    if (!ring_open(row))
        return skip(row, "no io_uring");
    near(row);
    return syscall(SYS_io_uring_enter, ((struct ring *)row->p)->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
}

/* Submits a read of an empty pipe, and waits for its end. */
static long in_io_uring_submit(struct row *row)
{
    int ends[2];
    if (!ring_open(row) || pipe(ends) != 0)
        return skip(row, "no io_uring");
    row->b = ends[1];
    ring_add(row->p, IORING_OP_READ, ends[0]);
    near(row);
    long n = syscall(SYS_io_uring_enter, ((struct ring *)row->p)->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
    row->c = 1;
    return n;
}

/* ---- futexes, locks, children ---- */

static void wake(struct row *row)
{
    row->a = 1;
    syscall(SYS_futex, &row->a, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static long in_futex(struct row *row)
{
    near(row);
    return syscall(SYS_futex, &row->a, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static long in_futex_hour(struct row *row)
{
    struct timespec hour = {HOUR, 0};
    near(row);
    return syscall(SYS_futex, &row->a, FUTEX_WAIT, 0, &hour, NULL, 0);
}

static long in_futex_changed(struct row *row)
{
    near(row);
    return syscall(SYS_futex, &row->a, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

/* The word was changed without a wake-up. */
static void change(struct row *row)
{
    row->a = 1;
}

static void unlock(struct row *row)
{
    close(row->a);
}

static long in_flock(struct row *row)
{
    char path[64];
    FILE *file = tmpfile();
    if (!file)
        return skip(row, "no file");
    row->a = fileno(file);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", row->a);
    int other = open(path, O_RDWR);
    flock(row->a, LOCK_EX);
    near(row);
    return flock(other, LOCK_EX);
}

static long in_fcntl_lock(struct row *row)
{
    char path[64];
    struct flock lock = {.l_type = F_WRLCK};
    FILE *file = tmpfile();
    if (!file)
        return skip(row, "no file");
    row->a = fileno(file);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", row->a);
    int other = open(path, O_RDWR);
    if (fcntl(row->a, F_OFD_SETLK, &lock) != 0)
        return skip(row, "no such locks");
    near(row);
    return fcntl(other, F_OFD_SETLKW, &lock);
}

static void end_child(struct row *row)
{
    kill(row->b, SIGKILL);
}

static long in_waitpid(struct row *row)
{
    row->b = fork();
    if (row->b == 0)
        for (;;)
            pause();
    near(row);
    return waitpid(row->b, NULL, 0) == row->b ? 0 : -1;
}

static long in_waitid(struct row *row)
{
    siginfo_t info;
    row->b = fork();
    if (row->b == 0)
        for (;;)
            pause();
    near(row);
    return waitid(P_PID, (id_t)row->b, &info, WEXITED);
}

static void close_it(struct row *row)
{
    close(row->a);
}

static struct row rows[] = {
    ROW(poll, add_one, 1),
    ROW(poll_hour, add_one, 1),
    HANGS(poll_closed, close_it),
    ROW(ppoll, add_one, 1),
    ROW(select, add_one, 1),
    ROW(pselect, add_one, 1),
    ROW(epoll_wait, add_one, 1),
    ROW(epoll_wait_hour, add_one, 1),
    ROW(epoll_pwait, add_one, 1),
    ROW(sigwaitinfo, send_signal, 0),
    ROW(sigtimedwait, send_signal, 0),
    {.name = "sigsuspend", .call = in_sigsuspend, .event = send_signal, .result = -1, .error = EINTR},
    {.name = "pause", .call = in_pause, .event = send_signal, .result = -1, .error = EINTR},
    ROW(semop, post, 0),
    ROW(semtimedop, post, 0),
    ROW(msgrcv, send_message, 1),
    ROW(msgsnd, receive_message, 0),
    ROW(mq_receive, mq_put, 1),
    ROW(mq_send, mq_get, 0),
    ROW(io_getevents, submit_read, 1),
    ROW(io_getevents_hour, submit_read, 1),
    ROW(io_uring_enter, submit_nothing, 0),
    ROW(io_uring_submit, end_read, 1),
    ROW(futex, wake, 0),
    ROW(futex_hour, wake, 0),
    HANGS(futex_changed, change),
    ROW(flock, unlock, 0),
    ROW(fcntl_lock, unlock, 0),
    ROW(waitpid, end_child, 0),
    ROW(waitid, end_child, 0),
};

int main(int argc, char **argv)
{
    sigset_t blocked;
    sigemptyset(&none);
    sigemptyset(&blocked);
    for (int i = 3; i <= 6; i++)
        sigaddset(&blocked, SIGRTMIN + i);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    return run_rows(rows, sizeof(rows) / sizeof(rows[0]), argc > 1 ? argv[1] : NULL);
}
