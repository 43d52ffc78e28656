#include "wait/describe.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "common/compat.h"
#include "wait/libc_name.h"

struct row {
    long nr;
    wait_describe_fn *describe;
    const char *text;
    int fd_arg;
    enum call_time time;
    int time_arg;
};

static const struct row rows[] = {
#define WAIT_CALL(call, function, text, fd, time, time_arg) {SYS_##call, function, text, fd, time, time_arg},
#include "wait/kinds.def"
};

/* futex(2): FUTEX_WAIT has a relative timeout, the other operations an absolute one. */
static void set_futex_time(struct wait_call *call, const uint64_t args[6])
{
    int op = (int)args[1], cmd = op & FUTEX_CMD_MASK;
    call->timeout = args[3];
    call->time = TIME_NONE;
    if (!args[3])
        return;
    if (cmd == FUTEX_WAIT)
        call->time = TIME_RELATIVE;
    if (cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAIT_REQUEUE_PI || cmd == FUTEX_LOCK_PI ||
        cmd == FUTEX_LOCK_PI2) {
        call->time = TIME_ABSOLUTE;
        call->clock = cmd == FUTEX_LOCK_PI || (op & FUTEX_CLOCK_REALTIME) ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    }
}

static void set_sleep_time(struct wait_call *call, long nr, const uint64_t args[6])
{
    bool has_clock = nr == SYS_clock_nanosleep;
    call->is_sleep = true;
    call->timeout = args[has_clock ? 2 : 0];
    call->time = TIME_RELATIVE;
    if (has_clock && (args[1] & TIMER_ABSTIME)) {
        call->time = TIME_ABSOLUTE;
        call->clock = (int)args[0];
        return;
    }
    call->left = args[has_clock ? 3 : 1];
}

static struct wait_call call_of_row(const struct row *row, const uint64_t args[6])
{
    struct wait_call call = {
        .describe = row->describe, .text = row->text, .fd_arg = row->fd_arg, .time = row->time};
    if (row->time == TIME_FUTEX)
        set_futex_time(&call, args);
    else if (row->time == TIME_SLEEP)
        set_sleep_time(&call, row->nr, args);
    else
        call.timeout = args[row->time_arg];
    if (call.time == TIME_LEFT || call.time == TIME_LEFT_US)
        call.left = call.timeout;
    return call;
}

struct wait_call wait_call_of(long nr, const uint64_t args[6])
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].nr == nr)
            return call_of_row(&rows[i], args);
    return (struct wait_call){.describe = wait_for_other, .fd_arg = -1, .time = TIME_UNKNOWN};
}

static const struct futex_user users[] = {
#define WAIT_USER(name, function, glibc) {name, function, glibc},
#include "wait/kinds.def"
#include "wait/libc_name.h"
};

const struct futex_user *futex_user_find(const char *name, bool is_prefix)
{
    name = bare_name(name);
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        size_t length = strlen(users[i].name);
        if (strncmp(name, users[i].name, length) == 0 && (is_prefix || !name[length]))
            return &users[i];
    }
    return NULL;
}
