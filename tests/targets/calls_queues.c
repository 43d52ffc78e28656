/* Calls that wait for queues: of semaphores, of messages, of asynchronous I/O. See calls.h. */
#include "calls.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>

enum { HOUR = 3600 };

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

static struct row rows[] = {
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
};

int main(int argc, char **argv)
{
    return run_rows(rows, sizeof(rows) / sizeof(rows[0]), argc > 1 ? argv[1] : NULL);
}
