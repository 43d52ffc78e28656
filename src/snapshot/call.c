#include "snapshot/call.h"

#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>

#include "common/compat.h"

typedef bool condition_fn(long nr, const uint64_t args[6]);

struct row {
    long nr;
    condition_fn *condition;
};

static bool always(long nr, const uint64_t args[6])
{
    (void)nr;
    (void)args;
    return true;
}

static bool has_no_rest(long nr, const uint64_t args[6])
{
    if (nr == SYS_nanosleep)
        return !args[1];
    return (args[1] & TIMER_ABSTIME) || !args[3];
}

static bool creates_thread(long nr, const uint64_t args[6])
{
    (void)nr;
    return args[0] & CLONE_THREAD;
}

static bool submits_nothing(long nr, const uint64_t args[6])
{
    (void)nr;
    return (uint32_t)args[1] == 0;
}

static const struct row stopped[] = {
#define STOPPED(call, condition) {SYS_##call, condition},
#include "snapshot/calls.def"
};

static const struct row reissued[] = {
#define REISSUED(call, condition) {SYS_##call, condition},
#include "snapshot/calls.def"
};

#define ROWS(rows) rows, sizeof(rows) / sizeof(rows[0])

static bool is_in(const struct row *rows, size_t count, long nr, const uint64_t args[6])
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].nr == nr)
            return rows[i].condition(nr, args);
    return false;
}

bool call_can_be_stopped(const struct task_call *call)
{
    return call->state != TASK_CALL_BLOCKED || is_in(ROWS(stopped), call->nr, call->args);
}

bool call_can_be_reissued(long nr, const uint64_t args[6])
{
    return is_in(ROWS(reissued), nr, args);
}
