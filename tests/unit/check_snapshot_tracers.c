/* Threads that another tracer holds. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "snapshot/snapshot.h"
#include "snapshot_child.h"
#include "snapshot_taken.h"
#include "suite.h"

static struct error error;

static pid_t other_thread(pid_t pid)
{
    struct snapshot *snapshot = take_snapshot(pid);
    ck_assert_uint_eq(snapshot->count, 2);
    pid_t tid = snapshot->threads[snapshot->threads[0].tid == pid].tid;
    snapshot_free(snapshot);
    return tid;
}

/* Holds one thread, and never lets it end. */
static pid_t start_tracer(pid_t tid)
{
    pid_t tracer = fork();
    if (tracer)
        return tracer;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0)
        _exit(2);
    wait_forever();
}

START_TEST(one_thread_is_somebody_elses)
{
    pid_t pid = child_start(run_two);
    wait_ready(2);
    pid_t tid = other_thread(pid), tracer = start_tracer(tid);
    wait_ready(3);
    struct snapshot *snapshot = take_snapshot(pid);
    ck_assert_uint_eq(snapshot->count, 2);
    ck_assert(!snapshot->complete);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(snapshot->threads[i].state,
                         snapshot->threads[i].tid == tid ? SNAPSHOT_TRACED : SNAPSHOT_STOPPED);
    snapshot_free(snapshot);
    child_end(tracer);
    child_end(pid);
}
END_TEST

static void run_exec_later(void)
{
    start_thread(wait_in_thread, NULL);
    child_ready();
    while (!atomic_load(&shared->release))
        usleep(1000);
    execl("/bin/sleep", "sleep", "1000", (char *)NULL);
}

/* PTRACE_SEIZE waits for the execve, which waits for a thread that never ends. */
START_TEST(an_execve_that_does_not_come_to_an_end)
{
    struct snapshot *snapshot;
    pid_t pid = child_start(run_exec_later);
    wait_ready(2);
    pid_t tracer = start_tracer(other_thread(pid));
    wait_ready(3);
    atomic_store(&shared->release, 1);
    while (count_states(pid, "Z") != 1)
        usleep(200);
    double before = now_s();
    enum snapshot_status status = snapshot_take(pid, NULL, &snapshot, &error);
    ck_assert_msg(status != SNAPSHOT_OK && status != SNAPSHOT_GONE, "%d: %s", status, error.text);
    ck_assert(now_s() - before < PATIENCE_S);
    child_end(tracer);
    ck_assert(wait_for_states(pid, "S"));
    while (count_states(pid, "S") != 1)
        usleep(200);
    snapshot = take_snapshot(pid);
    ck_assert_uint_eq(snapshot->count, 1);
    snapshot_free(snapshot);
    child_end(pid);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("tracers");
    tcase_add_test(tests, one_thread_is_somebody_elses);
    tcase_add_test(tests, an_execve_that_does_not_come_to_an_end);
    return suite_run("snapshot_tracers", tests);
}
