/* Who cannot be stopped, and what is said of that. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/process.h"
#include "proc/tasks.h"
#include "snapshot/snapshot.h"
#include "snapshot_child.h"
#include "snapshot_taken.h"
#include "suite.h"

/* ---- who cannot be stopped --------------------------------------------------------------- */

static void *wait_in_vfork(void *arg)
{
    (void)arg;
    child_ready();
    pid_t pid = vfork();
    if (pid == 0) {
        while (!atomic_load(&shared->release))
            usleep(1000);
        _exit(0);
    }
    atomic_store(&shared->extra, 1);
    for (;;)
        pause();
}

static void run_vfork(void)
{
    start_thread(wait_in_vfork, NULL);
    start_thread(keep_counting, "nap");
    pause();
}

/* No stop could reach it before its child ends or calls exec. */
START_TEST(a_thread_in_vfork_is_left_running)
{
    pid_t pid = child_start(run_vfork);
    wait_ready(2);
    while (count_states(pid, "D") != 1)
        usleep(200);
    struct snapshot *snapshot = take_snapshot(pid);
    size_t unstopped = 0;
    assert_complete(snapshot);
    ck_assert_uint_eq(snapshot->count, 3);
    for (size_t i = 0; i < snapshot->count; i++)
        unstopped += snapshot->threads[i].unstopped && snapshot->threads[i].stack.size;
    ck_assert_uint_ge(unstopped, 1);
    snapshot_free(snapshot);
    assert_counter_moves();
    atomic_store(&shared->release, 1);
    double end = now_s() + PATIENCE_S;
    while (!atomic_load(&shared->extra) && now_s() < end)
        usleep(1000);
    ck_assert_int_eq(atomic_load(&shared->extra), 1);
    ck_assert_int_eq(count_states(pid, "tT"), 0);
    child_end(pid);
}
END_TEST

START_TEST(another_tracer_is_named)
{
    struct snapshot *snapshot;
    struct error error;
    char expected[32];
    int ready[2];
    char c;
    pid_t pid = child_start(run_counters);
    wait_ready(20);
    ck_assert_int_eq(pipe(ready), 0);
    pid_t tracer = fork();
    if (tracer == 0) {
        struct task_list list;
        process_tasks(pid, &list);
        for (size_t i = 0; i < list.count; i++)
            ptrace(PTRACE_SEIZE, list.tasks[i].tid, NULL, NULL);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    ck_assert_int_eq(snapshot_take(pid, NULL, &snapshot, &error), SNAPSHOT_BUSY);
    ck_assert_ptr_null(snapshot);
    snprintf(expected, sizeof(expected), "(pid %d) traces", (int)tracer);
    ck_assert_ptr_nonnull(strstr(error.text, expected));
    child_end(tracer);
    snapshot_free(take_snapshot(pid));
    child_end(pid);
}
END_TEST

START_TEST(absent_processes)
{
    struct snapshot *snapshot;
    struct error error;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    ck_assert_int_eq(snapshot_take(pid, NULL, &snapshot, &error), SNAPSHOT_GONE); /* a zombie */
    waitpid(pid, NULL, 0);
    ck_assert_int_eq(snapshot_take(pid, NULL, &snapshot, &error), SNAPSHOT_GONE);
    ck_assert_ptr_nonnull(strstr(error.text, "no process"));
    ck_assert_int_eq(snapshot_take(getpid(), NULL, &snapshot, &error), SNAPSHOT_REFUSED);
    ck_assert_int_eq(snapshot_take(-1, NULL, &snapshot, &error), SNAPSHOT_GONE);
}
END_TEST

static void drop_and_take(pid_t pid)
{
    struct snapshot *snapshot;
    struct error error;
    if (setresuid(65534, 65534, 65534) != 0)
        _exit(1);
    if (snapshot_take(pid, NULL, &snapshot, &error) != SNAPSHOT_REFUSED)
        _exit(2);
    _exit(strstr(error.text, "belongs to another user") || strstr(error.text, "ptrace_scope is 3") ? 0 : 3);
}

START_TEST(without_permission)
{
    int status;
    if (geteuid() != 0) {
        puts("skip without_permission: needs root to become another user");
        return;
    }
    pid_t pid = child_start(run_counters);
    wait_ready(20);
    pid_t other = fork();
    if (other == 0)
        drop_and_take(pid);
    waitpid(other, &status, 0);
    ck_assert_int_eq(status, 0);
    child_end(pid);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("snapshot");
    tcase_add_test(tests, a_thread_in_vfork_is_left_running);
    tcase_add_test(tests, another_tracer_is_named);
    tcase_add_test(tests, absent_processes);
    tcase_add_test(tests, without_permission);
    return suite_run("snapshot_refused", tests);
}
