#include "snapshot/awake.h"

#include "base/clock.h"
#include "proc/call.h"

enum {
    LONG_NS = 4000000,
    /* A thread that waits for a CPU all the time has not shown what it does. The kernel adds the time of a
     * running thread at each tick, every 1 to 10 ms. */
    LONG_CPU_NS = 1000000,
};

static bool is_long(const struct awake *awake, uint64_t cpu_ns)
{
    return now_ns() - awake->since_ns >= LONG_NS && (!cpu_ns || cpu_ns - awake->cpu_ns >= LONG_CPU_NS);
}

void awake_check(struct awake *awake, pid_t pid, pid_t tid)
{
    uint64_t sleeps = task_sleeps_read(pid, tid), cpu_ns = task_cpu_ns_read(pid, tid);
    if (!awake->since_ns || sleeps != awake->sleeps) {
        awake->has_slept |= awake->since_ns != 0;
        awake->since_ns = now_ns();
        awake->sleeps = sleeps;
        awake->cpu_ns = cpu_ns;
    }
    awake->state = is_long(awake, cpu_ns) ? AWAKE_LONG : awake->has_slept ? AWAKE_SHORT : AWAKE_UNKNOWN;
}
