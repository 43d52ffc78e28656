#include "wait/call.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>

struct row {
    long nr;
    enum call_kind kind;
    const char *verb;
    int arg;
    enum call_time time;
    int time_arg;
};

static const struct row rows[] = {
    {SYS_futex, CALL_FUTEX, NULL, 0, TIME_NONE, 3},
    {SYS_read, CALL_FILE, "read of", 0, TIME_UNKNOWN, 0},
    {SYS_readv, CALL_FILE, "read of", 0, TIME_UNKNOWN, 0},
    {SYS_pread64, CALL_FILE, "read of", 0, TIME_UNKNOWN, 0},
    {SYS_preadv, CALL_FILE, "read of", 0, TIME_UNKNOWN, 0},
    {SYS_write, CALL_FILE, "write to", 0, TIME_UNKNOWN, 0},
    {SYS_writev, CALL_FILE, "write to", 0, TIME_UNKNOWN, 0},
    {SYS_pwrite64, CALL_FILE, "write to", 0, TIME_UNKNOWN, 0},
    {SYS_pwritev, CALL_FILE, "write to", 0, TIME_UNKNOWN, 0},
    {SYS_recvfrom, CALL_FILE, "read of", 0, TIME_UNKNOWN, 0},
    {SYS_recvmsg, CALL_FILE, "read of", 0, TIME_UNKNOWN, 0},
    {SYS_recvmmsg, CALL_FILE, "read of", 0, TIME_UNKNOWN, 0},
    {SYS_sendto, CALL_FILE, "write to", 0, TIME_UNKNOWN, 0},
    {SYS_sendmsg, CALL_FILE, "write to", 0, TIME_UNKNOWN, 0},
    {SYS_sendmmsg, CALL_FILE, "write to", 0, TIME_UNKNOWN, 0},
    {SYS_sendfile, CALL_FILE, "write to", 0, TIME_UNKNOWN, 0},
    {SYS_splice, CALL_FILE, "splice from", 0, TIME_NONE, 0},
    {SYS_accept, CALL_FILE, "accept on", 0, TIME_UNKNOWN, 0},
    {SYS_accept4, CALL_FILE, "accept on", 0, TIME_UNKNOWN, 0},
    {SYS_connect, CALL_FILE, "connect of", 0, TIME_UNKNOWN, 0},
    {SYS_flock, CALL_FILE, "lock of", 0, TIME_NONE, 0},
    {SYS_fcntl, CALL_FILE, "lock of", 0, TIME_NONE, 0},
    {SYS_fsync, CALL_FILE, "sync of", 0, TIME_NONE, 0},
    {SYS_fdatasync, CALL_FILE, "sync of", 0, TIME_NONE, 0},
    {SYS_ioctl, CALL_FILE, "ioctl on", 0, TIME_UNKNOWN, 0},
    {SYS_close, CALL_FILE, "close of", 0, TIME_UNKNOWN, 0},
    {SYS_getdents64, CALL_FILE, "listing of", 0, TIME_NONE, 0},
    {SYS_io_uring_enter, CALL_FILE, "completions of", 0, TIME_UNKNOWN, 0},
    {SYS_openat, CALL_OPEN, "open of", 1, TIME_NONE, 0},
    {SYS_ppoll, CALL_POLL, NULL, 0, TIME_LEFT, 2},
    {SYS_pselect6, CALL_SELECT, NULL, 0, TIME_LEFT, 4},
    {SYS_epoll_pwait, CALL_EPOLL, NULL, 0, TIME_MS, 3},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, CALL_EPOLL, NULL, 0, TIME_RELATIVE, 3},
#endif
#ifdef SYS_poll
    {SYS_poll, CALL_POLL, NULL, 0, TIME_MS, 2},
    {SYS_select, CALL_SELECT, NULL, 0, TIME_LEFT_US, 4},
    {SYS_epoll_wait, CALL_EPOLL, NULL, 0, TIME_MS, 3},
    {SYS_open, CALL_OPEN, "open of", 0, TIME_NONE, 0},
    {SYS_pause, CALL_SIGNAL, "any signal with a handler", -1, TIME_NONE, 0},
#endif
    {SYS_rt_sigsuspend, CALL_SIGNAL, "any unblocked signal with a handler", -1, TIME_NONE, 0},
    {SYS_rt_sigtimedwait, CALL_SIGNAL, NULL, 0, TIME_RELATIVE, 2},
    {SYS_nanosleep, CALL_SLEEP, NULL, -1, TIME_RELATIVE, 0},
    {SYS_clock_nanosleep, CALL_SLEEP, NULL, -1, TIME_RELATIVE, 2},
    {SYS_wait4, CALL_CHILD, NULL, 0, TIME_NONE, 0},
    {SYS_waitid, CALL_CHILD, NULL, 1, TIME_NONE, 0},
    {SYS_semop, CALL_SEMOP, NULL, 0, TIME_NONE, 0},
    {SYS_semtimedop, CALL_SEMOP, NULL, 0, TIME_RELATIVE, 3},
    {SYS_msgrcv, CALL_OTHER, "message of a System V queue", -1, TIME_NONE, 0},
    {SYS_msgsnd, CALL_OTHER, "room in a System V queue", -1, TIME_NONE, 0},
    {SYS_mq_timedreceive, CALL_FILE, "read of", 0, TIME_ABSOLUTE, 4},
    {SYS_mq_timedsend, CALL_FILE, "write to", 0, TIME_ABSOLUTE, 4},
    {SYS_io_getevents, CALL_OTHER, "end of asynchronous I/O", -1, TIME_RELATIVE, 4},
    {SYS_getrandom, CALL_OTHER, "random bytes", -1, TIME_NONE, 0},
#ifdef SYS_vfork
    {SYS_vfork, CALL_OTHER, "exec or exit of its vfork child", -1, TIME_NONE, 0},
#endif
};

/* futex(2): a timeout counts from now with FUTEX_WAIT, else it is a time. */
static void set_futex_time(struct wait_call *call, const uint64_t args[6])
{
    int op = (int)args[1], cmd = op & FUTEX_CMD_MASK;
    call->timeout = args[3];
    call->time = TIME_NONE;
    if (!args[3])
        return;
    if (cmd == FUTEX_WAIT)
        call->time = TIME_RELATIVE;
    if (cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAIT_REQUEUE_PI || cmd == FUTEX_LOCK_PI || cmd == 13) {
        call->time = TIME_ABSOLUTE;
        call->clock = cmd == FUTEX_LOCK_PI || (op & FUTEX_CLOCK_REALTIME) ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    }
}

static void set_sleep_time(struct wait_call *call, long nr, const uint64_t args[6])
{
    bool has_clock = nr == SYS_clock_nanosleep;
    call->timeout = args[has_clock ? 2 : 0];
    if (has_clock && (args[1] & TIMER_ABSTIME)) {
        call->time = TIME_ABSOLUTE;
        call->clock = (int)args[0];
        return;
    }
    call->left = args[has_clock ? 3 : 1];
}

struct wait_call wait_call_of(const struct snapshot_thread *thread)
{
    const uint64_t *args = thread->syscall_args;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        if (row->nr != thread->syscall_nr)
            continue;
        struct wait_call call = {.kind = row->kind, .verb = row->verb, .arg = row->arg, .time = row->time};
        if (row->kind == CALL_FUTEX)
            set_futex_time(&call, args);
        else if (row->kind == CALL_SLEEP)
            set_sleep_time(&call, row->nr, args);
        else
            call.timeout = args[row->time_arg];
        if (call.time == TIME_LEFT || call.time == TIME_LEFT_US)
            call.left = call.timeout;
        return call;
    }
    return (struct wait_call){.kind = CALL_OTHER, .arg = -1, .time = TIME_UNKNOWN};
}
