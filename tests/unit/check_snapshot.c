/* Stopping, copying, resuming: what is taken, and that the process does not notice. */
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

/* ---- what is taken ----------------------------------------------------------------- */

static char known_bytes[] = "these bytes are on the stack of the thread";

static void *hold_bytes(void *arg)
{
    char copy[sizeof(known_bytes)];
    int *pipe_end = arg;
    char c;
    memcpy(copy, known_bytes, sizeof(copy));
    __asm__ volatile("" : : "r"(copy) : "memory");
    child_ready();
    while (read(*pipe_end, &c, 1) < 0)
        ;
    __asm__ volatile("" : : "r"(copy) : "memory");
    return NULL;
}

static void run_reader(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        _exit(1);
    start_thread(hold_bytes, &ends[0]);
    pause();
}

START_TEST(registers_and_stacks_are_copied)
{
    pid_t pid = child_start(run_reader);
    wait_ready(1);
    ck_assert(wait_for_states(pid, "S"));
    struct snapshot *snapshot = take_snapshot(pid);
    ck_assert(snapshot->complete);
    ck_assert_uint_eq(snapshot->count, 2);
    ck_assert_int_eq(snapshot->threads[0].tid, pid);
    ck_assert_int_eq(snapshot->threads[0].syscall_nr, CALL_OF_PAUSE);
    const struct snapshot_thread *thread = &snapshot->threads[1];
    ck_assert_int_eq(thread->syscall_nr, SYS_read);
    ck_assert_uint_eq(thread->syscall_args[2], 1);
    ck_assert_uint_eq(thread->pc, thread->regs[SNAPSHOT_REG_PC]);
    ck_assert_uint_eq(thread->sp, thread->regs[SNAPSHOT_REG_SP]);
    ck_assert_uint_le(thread->stack.start, thread->sp - 128);
    ck_assert_ptr_nonnull(memmem(thread->stack.bytes, thread->stack.size, known_bytes, sizeof(known_bytes)));
    ck_assert_uint_gt(snapshot->stopped_ns, 0);
    snapshot_free(snapshot);
    child_end(pid);
}
END_TEST

START_TEST(memory_is_read_from_copies_or_where_it_is_constant)
{
    static const char constant[] = "constant";
    char bytes[sizeof(constant)];
    pid_t pid = child_start(run_reader);
    wait_ready(1);
    ck_assert(wait_for_states(pid, "S"));
    struct snapshot *snapshot = take_snapshot(pid);
    const struct snapshot_thread *thread = &snapshot->threads[1];
    child_end(pid); /* copies outlive the process */
    ck_assert(snapshot_read_memory(snapshot, thread, thread->sp, bytes, sizeof(bytes)));
    ck_assert(!snapshot_read_memory(snapshot, thread, (uint64_t)(uintptr_t)constant, bytes, sizeof(bytes)));
    snapshot_free(snapshot);

    pid = child_start(run_reader);
    wait_ready(1);
    snapshot = take_snapshot(pid);
    ck_assert(snapshot_read_memory(snapshot, NULL, (uint64_t)(uintptr_t)constant, bytes, sizeof(bytes)));
    ck_assert_str_eq(bytes, constant);
    ck_assert(!snapshot_read_memory(snapshot, NULL, (uint64_t)(uintptr_t)known_bytes, bytes, sizeof(bytes)));
    ck_assert(snapshot_read_live(snapshot, (uint64_t)(uintptr_t)known_bytes, bytes, sizeof(bytes)));
    ck_assert(!snapshot_read_live(snapshot, 8, bytes, sizeof(bytes)));
    snapshot_free(snapshot);
    child_end(pid);
}
END_TEST

static void leave_main(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        _exit(1);
    start_thread(hold_bytes, &ends[0]);
    pthread_exit(NULL);
}

START_TEST(main_thread_may_have_left)
{
    pid_t pid = child_start(leave_main);
    wait_ready(1);
    ck_assert(wait_for_states(pid, "SZ"));
    while (count_states(pid, "Z") != 1)
        usleep(200);
    struct snapshot *snapshot = take_snapshot(pid);
    ck_assert(snapshot->complete);
    ck_assert_uint_eq(snapshot->count, 1);
    ck_assert_uint_gt(snapshot->threads[0].stack.size, 0);
    ck_assert_int_eq(snapshot->threads[0].syscall_nr, SYS_read);
    snapshot_free(snapshot);
    child_end(pid);
}
END_TEST

/* ---- the process goes on -------------------------------------------------------------- */

START_TEST(it_goes_on)
{
    pid_t pid = child_start(run_counters);
    wait_ready(20);
    for (int i = 0; i < 50; i++) {
        struct snapshot *snapshot = take_snapshot(pid);
        ck_assert(snapshot->complete);
        ck_assert_uint_eq(snapshot->count, 21);
        snapshot_free(snapshot);
        assert_counter_moves();
    }
    ck_assert_int_eq(count_states(pid, "tT"), 0);
    child_end(pid);
}
END_TEST

static void *send_signals(void *arg)
{
    pid_t pid = *(const pid_t *)arg;
    for (int i = 0; i < 5000; i++) {
        while (sigqueue(pid, SIGRTMIN, (union sigval){.sival_int = i}) != 0)
            usleep(100);
        if (i % 16 == 0)
            usleep(200);
    }
    return NULL;
}

static void assert_signals_arrived(void)
{
    double end = now_s() + PATIENCE_S;
    while (atomic_load(&shared->signals) < 5000 && now_s() < end)
        usleep(1000);
    ck_assert_int_eq(atomic_load(&shared->signals), 5000);
}

START_TEST(no_signal_is_lost)
{
    pthread_t sender;
    pid_t pid = child_start(run_counters);
    wait_ready(20);
    pthread_create(&sender, NULL, send_signals, &pid);
    while (pthread_tryjoin_np(sender, NULL) != 0)
        snapshot_free(take_snapshot(pid));
    assert_signals_arrived();
    child_end(pid);
}
END_TEST

/* A tracer that never ends by itself, to be killed wherever it is. */
static pid_t start_tracer(pid_t pid)
{
    pid_t tracer = fork();
    if (tracer == 0)
        for (;;)
            snapshot_free(take_snapshot(pid));
    return tracer;
}

START_TEST(being_killed_in_the_middle_lets_it_go_on)
{
    pthread_t sender;
    pid_t pid = child_start(run_counters);
    wait_ready(20);
    pthread_create(&sender, NULL, send_signals, &pid);
    for (int i = 0; i < 200; i++) {
        pid_t tracer = start_tracer(pid);
        usleep((useconds_t)(1000 + 37 * i));
        kill(tracer, SIGKILL);
        waitpid(tracer, NULL, 0);
        assert_counter_moves();
        ck_assert_int_eq(count_states(pid, "tT"), 0);
    }
    pthread_join(sender, NULL);
    assert_signals_arrived();
    child_end(pid);
}
END_TEST

START_TEST(a_stopped_process_stays_stopped)
{
    pid_t pid = child_start(run_counters);
    wait_ready(20);
    kill(pid, SIGSTOP);
    ck_assert(wait_for_states(pid, "T"));
    struct snapshot *snapshot = take_snapshot(pid);
    ck_assert(snapshot->complete);
    snapshot_free(snapshot);
    ck_assert(wait_for_states(pid, "T"));
    long before = atomic_load(&shared->counter);
    usleep(20000);
    ck_assert_int_eq(atomic_load(&shared->counter), before);
    kill(pid, SIGCONT);
    assert_counter_moves();
    child_end(pid);
}
END_TEST

static void exit_soon(void)
{
    child_ready();
    usleep(2000);
    _exit(42);
}

START_TEST(the_exit_status_of_a_child_of_ours_is_left)
{
    for (int i = 0; i < 50; i++) {
        int status;
        struct snapshot *snapshot;
        struct error error;
        pid_t pid = child_start(exit_soon);
        wait_ready(1);
        for (int done = 0; !done; snapshot_free(snapshot))
            done = snapshot_take(pid, NULL, &snapshot, &error) != SNAPSHOT_OK;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("snapshot");
    tcase_add_test(tests, registers_and_stacks_are_copied);
    tcase_add_test(tests, memory_is_read_from_copies_or_where_it_is_constant);
    tcase_add_test(tests, main_thread_may_have_left);
    tcase_add_test(tests, it_goes_on);
    tcase_add_test(tests, no_signal_is_lost);
    tcase_add_test(tests, being_killed_in_the_middle_lets_it_go_on);
    tcase_add_test(tests, a_stopped_process_stays_stopped);
    tcase_add_test(tests, the_exit_status_of_a_child_of_ours_is_left);
    return suite_run("snapshot", tests);
}
