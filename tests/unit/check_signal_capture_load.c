/* Stacks that threads capture themselves on a signal: under load, and where ptrace is refused. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stacks/signal_capture.h"
#include "snapshot/snapshot.h"
#include "snapshot_child.h"
#include "capture_program.h"
#include "suite.h"
#include "symbolize/symbolize.h"

#define NOBODY 65534

/* ---- load ------------------------------------------------------------------------------------ */

struct storm {
    pid_t pid;
    atomic_int stop;
};

static void *storm(void *arg)
{
    struct storm *storm = arg;
    while (!atomic_load(&storm->stop))
        kill(storm->pid, SIGUSR2);
    return NULL;
}

START_TEST(ten_captures_under_load)
{
    struct program program = start_program("frrcc", 8, NULL);
    for (int i = 0; i < 10; i++) {
        struct signal_capture *capture = capture_of(program.pid);
        assert_count(capture, with_stack(capture, "f3 f2 f1 f0 "), 24);
        assert_count(capture, with_reason(capture, SIGNAL_CAPTURE_SILENT), 0);
        signal_capture_free(capture);
    }
    end_program(&program);
}
END_TEST

START_TEST(signal_storm)
{
    char command[32];
    pthread_t thread;
    struct program program = start_program("frc", 4, NULL);
    struct storm about = {.pid = program.pid};
    snprintf(command, sizeof(command), "quiet %d", SIGUSR2);
    program_send(&program, command);
    pthread_create(&thread, NULL, storm, &about);
    for (int i = 0; i < 10; i++) {
        struct signal_capture *capture = capture_of(program.pid);
        assert_count(capture, with_stack(capture, "f3 f2 f1 f0 "), 8);
        signal_capture_free(capture);
    }
    atomic_store(&about.stop, 1);
    pthread_join(thread, NULL);
    end_program(&program);
}
END_TEST

START_TEST(a_thousand_threads)
{
    struct program program = start_program("f", 1000, NULL);
    double before = now_s();
    struct signal_capture *capture = capture_of(program.pid);
    double took = now_s() - before;
    assert_count(capture, capture->taken, 1001);
    if (getenv("V"))
        fprintf(stderr, "1000 threads: %.3f s\n", took);
    signal_capture_free(capture);
    end_program(&program);
}
END_TEST

START_TEST(process_that_ends_meanwhile)
{
    struct program program = start_program("fr", 50, NULL);
    struct signal_capture *capture;
    struct error error;
    pid_t killer = fork();
    if (killer == 0) {
        usleep((useconds_t)_i * 300);
        kill(program.pid, SIGKILL);
        _exit(0);
    }
    if (signal_capture_take(program.pid, 1000 * PATIENCE_S, &capture, &error) == SIGNAL_CAPTURE_OK)
        signal_capture_free(capture);
    waitpid(killer, NULL, 0);
    waitpid(program.pid, NULL, 0);
    fclose(program.in);
    fclose(program.out);
}
END_TEST

/* ---- where ptrace is refused -------------------------------------------------------------------- */

static void trace_all(pid_t pid, int ready)
{
    int status;
    pid_t tid;
    struct error error;
    struct signal_capture *tasks; /* only for their tids */
    if (signal_capture_take(pid, 1000, &tasks, &error) != SIGNAL_CAPTURE_OK)
        _exit(1);
    for (size_t i = 0; i < tasks->count; i++)
        if (ptrace(PTRACE_SEIZE, tasks->threads[i].tid, NULL, NULL) != 0)
            _exit(2);
    if (write(ready, "", 1) != 1)
        _exit(3);
    while ((tid = waitpid(-1, &status, __WALL)) > 0)
        if (WIFSTOPPED(status))
            ptrace(PTRACE_CONT, tid, NULL, (void *)(long)(status >> 16 ? 0 : WSTOPSIG(status)));
    _exit(0);
}

START_TEST(another_tracer)
{
    int ready[2];
    char byte;
    struct error error;
    struct snapshot *snapshot;
    struct program program = start_program("fr", 4, NULL);
    ck_assert_int_eq(pipe(ready), 0);
    pid_t tracer = fork();
    if (tracer == 0)
        trace_all(program.pid, ready[1]);
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(snapshot_take(program.pid, NULL, &snapshot, &error), SNAPSHOT_BUSY);
    struct signal_capture *capture = capture_of(program.pid);
    /* It would stop at the signal. */
    assert_count(capture, capture->taken, 0);
    assert_count(capture, with_reason(capture, SIGNAL_CAPTURE_TRACED), 9);
    signal_capture_free(capture);
    kill(tracer, SIGKILL);
    waitpid(tracer, NULL, 0);
    close(ready[0]);
    end_program(&program);
}
END_TEST

static void forbid_ptrace(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    struct sock_fprog program = {4, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(9);
}

START_TEST(ptrace_forbidden)
{
    int status;
    if (_i && getuid() == 0)
        program_user = NOBODY;
    struct program program = start_program("fr", 4, NULL);
    pid_t asker = fork();
    if (asker == 0) {
        struct error error = {""};
        struct snapshot *snapshot;
        struct signal_capture *capture;
        if (program_user && setresuid(program_user, program_user, program_user) != 0)
            _exit(8);
        forbid_ptrace();
        if (snapshot_take(program.pid, NULL, &snapshot, &error) != SNAPSHOT_REFUSED)
            _exit(7);
        if (signal_capture_take(program.pid, 1000 * PATIENCE_S, &capture, &error) != SIGNAL_CAPTURE_OK) {
            fprintf(stderr, "%s\n", error.text);
            _exit(6);
        }
        _exit(with_stack(capture, "f3 f2 f1 f0 ") == 8 && capture->taken == 9 ? 0 : 5);
    }
    ck_assert_int_eq(waitpid(asker, &status, 0), asker);
    ck_assert_msg(status == 0, "status %#x", (unsigned)status);
    end_program(&program);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("signal_capture");
    tcase_add_test(tests, ten_captures_under_load);
    tcase_add_test(tests, signal_storm);
    tcase_add_test(tests, a_thousand_threads);
    tcase_add_loop_test(tests, process_that_ends_meanwhile, 0, repeats(3, 20));
    tcase_add_test(tests, another_tracer);
    tcase_add_loop_test(tests, ptrace_forbidden, 0, 2);
    return suite_run("signal_capture_load", tests);
}
