#include "snapshot_taken.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "snapshot_child.h"

struct snapshot *take_snapshot(pid_t pid)
{
    struct snapshot *snapshot;
    struct error error = {""};
    enum snapshot_status status = snapshot_take(pid, NULL, &snapshot, &error);
    ck_assert_msg(status == SNAPSHOT_OK, "status %d: %s", status, error.text);
    return snapshot;
}

void assert_complete(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        ck_assert_msg(snapshot->threads[i].state == SNAPSHOT_STOPPED, "thread %zu of %zu %s", i,
                      snapshot->count, snapshot_state_text(snapshot->threads[i].state));
    ck_assert(snapshot->complete);
}

_Noreturn void *keep_counting(void *arg)
{
    child_ready();
    for (;;) {
        atomic_fetch_add(&shared->counter, 1);
        if (arg)
            usleep(100);
    }
}

static void count_signal(int signal)
{
    (void)signal;
    atomic_fetch_add(&shared->signals, 1);
}

void run_counters(void)
{
    struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
    sigaction(SIGRTMIN, &action, NULL);
    start_thread(keep_counting, NULL);
    for (int i = 0; i < 19; i++)
        start_thread(keep_counting, "nap");
    for (;;)
        pause();
}

void assert_counter_moves(void)
{
    long before = atomic_load(&shared->counter);
    double end = now_s() + PATIENCE_S;
    while (atomic_load(&shared->counter) == before) {
        ck_assert_msg(now_s() < end, "the process does not go on");
        usleep(100);
    }
}

bool skips_without_root(const char *test)
{
    if (geteuid() != 0)
        printf("skip %s: needs root\n", test);
    return geteuid() != 0;
}
