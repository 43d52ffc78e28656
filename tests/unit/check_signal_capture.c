/* Stacks that threads capture themselves on a signal: whole ones, and threads that are left alone. */
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

/* ---- stacks ---------------------------------------------------------------------------- */

static const struct {
    const char *kind, *functions;
} kinds[] = {
    {"f", "f3 f2 f1 f0 "},
    {"r", "f3 f2 f1 f0 "},
    {"u", "f3 f2 f1 f0 "},
    {"a", "f3 f2 f1 f0 "},
    {"s", "f3 f2 f1 f0 "},
    {"x", "f3 on_user_signal "},
    {"l", "f3 f2 f1 constructor_waits start "},
};

START_TEST(whole_stacks)
{
    /* One thread at a time is within dlopen: the next would wait for the loader's lock. */
    int count = *kinds[_i].kind == 'l' ? 1 : 4;
    assert_all_have(kinds[_i].kind, count, kinds[_i].functions);
}
END_TEST

START_TEST(the_leaf_is_exact)
{
    struct program program = start_program("r", 4, NULL);
    for (int i = 0; i < 20; i++) {
        struct signal_capture *capture = capture_of(program.pid);
        for (size_t t = 0; t < capture->count; t++)
            if (capture->threads[t].tid != program.pid) /* also at the first instruction of a function */
                ck_assert_int_eq(strncmp(captured_stack(capture, capture->threads[t].current), "f3 f2 ", 6),
                                 0);
        signal_capture_free(capture);
    }
    end_program(&program);
}
END_TEST

START_TEST(others_are_captured_beside_a_held_loader_lock)
{
    struct program program = start_program("lfr", 1, NULL);
    struct signal_capture *capture = capture_of(program.pid);
    assert_count(capture, capture->taken, 4);
    assert_count(capture, with_stack(capture, "f3 f2 f1 f0 "), 2);
    signal_capture_free(capture);
    end_program(&program);
}
END_TEST

/* The unwinder's cache has a lock that is held while the loader's is waited for. */
START_TEST(a_held_loader_lock_holds_nobody)
{
    long left, created, left_later, created_later;
    target_name = "/loader_lock";
    struct program program = start_program(NULL, 0, NULL);
    for (int i = 0; i < 300; i++) {
        struct signal_capture *capture;
        struct error error = {""};
        ck_assert_msg(signal_capture_take(program.pid, 20, &capture, &error) == SIGNAL_CAPTURE_OK, "%s",
                      error.text);
        signal_capture_free(capture);
    }
    fputs("\n", program.in);
    fflush(program.in);
    ck_assert_int_eq(sscanf(read_line(&program), "%ld %ld", &left, &created), 2);
    do { /* for ever, if they wait for one another: the suite's time limit */
        fputs("\n", program.in);
        fflush(program.in);
        ck_assert_int_eq(sscanf(read_line(&program), "%ld %ld", &left_later, &created_later), 2);
        usleep(1000);
    } while (left_later == left || created_later == created);
    end_program(&program);
}
END_TEST

START_TEST(little_stack_of_a_coroutine)
{
    struct program program = start_program("of", 4, NULL);
    struct signal_capture *capture = capture_of(program.pid);
    assert_count(capture, with_reason(capture, SIGNAL_CAPTURE_OTHER_STACK), 4);
    assert_count(capture, capture->taken, 5);
    signal_capture_free(capture);
    ck_assert_str_eq(program_send(&program, "areas"), "done");
    end_program(&program);
}
END_TEST

START_TEST(smallest_alternate_stack)
{
    struct program program = start_program("m", 8, NULL);
    struct signal_capture *capture;
    struct error error;
    ck_assert_int_eq(signal_capture_take(program.pid, 300, &capture, &error), SIGNAL_CAPTURE_OK);
    assert_count(capture,
                 with_reason(capture, SIGNAL_CAPTURE_TAKEN) + with_reason(capture, SIGNAL_CAPTURE_SILENT), 9);
    signal_capture_free(capture);
    ck_assert_str_eq(program_send(&program, "areas"), "done");
    end_program(&program);
}
END_TEST

/* ---- threads that are left alone --------------------------------------------------------- */

START_TEST(blocked_threads_are_named)
{
    char text[64], wanted[64];
    struct program program = start_program("bf", 3, NULL);
    struct signal_capture *capture = capture_of(program.pid);
    assert_count(capture, with_reason(capture, SIGNAL_CAPTURE_BLOCKED), 3);
    assert_count(capture, with_stack(capture, "f3 f2 f1 f0 "), 3);
    snprintf(wanted, sizeof(wanted), "blocks signal %d", SIGRTMAX - 1);
    ck_assert_str_eq(signal_capture_reason_text(capture, SIGNAL_CAPTURE_BLOCKED, text), wanted);
    signal_capture_free(capture);
    end_program(&program);
}
END_TEST

START_TEST(sigwait_gets_nothing)
{
    struct program program = start_program("wf", 2, NULL);
    ck_assert(wait_for_states(program.pid, "S"));
    for (int i = 0; i < 20; i++) {
        struct signal_capture *capture = capture_of(program.pid);
        assert_count(capture, with_reason(capture, SIGNAL_CAPTURE_WAITING), 2);
        assert_count(capture, capture->taken, 3);
        signal_capture_free(capture);
    }
    end_program(&program); /* and it has said nothing */
}
END_TEST

START_TEST(stopped_threads_are_named)
{
    struct program program = start_program("f", 2, NULL);
    kill(program.pid, SIGSTOP);
    ck_assert(wait_for_states(program.pid, "T"));
    struct signal_capture *capture = capture_of(program.pid);
    assert_count(capture, with_reason(capture, SIGNAL_CAPTURE_STOPPED), 3);
    signal_capture_free(capture);
    kill(program.pid, SIGCONT);
    end_program(&program);
}
END_TEST

START_TEST(sandboxed_threads_are_named)
{
    struct program program = start_program("f", 2, NULL);
    program_send(&program, "seccomp");
    struct signal_capture *capture = capture_of(program.pid);
    assert_count(capture, with_reason(capture, SIGNAL_CAPTURE_SANDBOXED), 3);
    signal_capture_free(capture);
    end_program(&program);
}
END_TEST

/* ---- the signal is the program's ----------------------------------------------------------- */

static void assert_off(const struct program *program)
{
    struct signal_capture *capture;
    struct error error;
    ck_assert_int_eq(signal_capture_take(program->pid, 0, &capture, &error), SIGNAL_CAPTURE_OFF);
    ck_assert_ptr_nonnull(strstr(error.text, "real-time signal"));
}

static const char *const verbs[] = {"take", "signal", "ignore", "default"};

START_TEST(program_takes_the_signal_later)
{
    char command[32];
    struct program program = start_program("f", 2, NULL);
    snprintf(command, sizeof(command), "ask %d", SIGRTMAX - 1);
    ck_assert_str_eq(program_send(&program, command), "is 1");
    snprintf(command, sizeof(command), "%s %d", verbs[_i], SIGRTMAX - 1);
    ck_assert_str_eq(program_send(&program, command), "was 1");
    assert_off(&program);
    snprintf(command, sizeof(command), "kill %d", SIGRTMAX - 1);
    if (_i < 2)
        ck_assert_ptr_nonnull(strstr(program_send(&program, command), "own handler"));
    end_program(&program);
}
END_TEST

START_TEST(program_took_the_signal_before)
{
    char command[32];
    snprintf(command, sizeof(command), "%s %d", _i ? "ignore" : "take", SIGRTMAX - 1);
    struct program program = start_program("f", 2, command);
    struct signal_capture *capture = capture_of(program.pid);
    ck_assert_int_eq(capture->signal, SIGRTMAX - 2);
    assert_count(capture, with_stack(capture, "f3 f2 f1 f0 "), 2);
    signal_capture_free(capture);
    end_program(&program);
}
END_TEST

START_TEST(signal_of_another_sender_ends_the_program)
{
    int status;
    struct program program = start_program("f", 2, NULL);
    kill(program.pid, SIGRTMAX - 1);
    ck_assert_int_eq(waitpid(program.pid, &status, 0), program.pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGRTMAX - 1);
    fclose(program.in);
    fclose(program.out);
}
END_TEST

START_TEST(forked_child)
{
    struct program program = start_program("f", 1, NULL);
    program_send(&program, "fork");
    char path[64];
    int child = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)program.pid, (int)program.pid);
    for (double end = now_s() + PATIENCE_S; child == 0 && now_s() < end;) {
        FILE *file = fopen(path, "r");
        if (!file || fscanf(file, "%d", &child) != 1)
            usleep(1000);
        if (file)
            fclose(file);
    }
    ck_assert_int_gt(child, 0);
    snprintf(path, sizeof(path), "/proc/%d/task", child);
    while (count_states((pid_t)child, "S") < 2)
        usleep(1000);
    struct signal_capture *capture = capture_of((pid_t)child);
    assert_count(capture, with_stack(capture, "f3 f2 f1 f0 "), 1);
    assert_count(capture, capture->taken, 1);
    /* Its first thread is in pause(2), which any handled signal would end. */
    assert_count(capture, with_reason(capture, SIGNAL_CAPTURE_WAITING), 1);
    signal_capture_free(capture);
    kill((pid_t)child, SIGKILL);
    end_program(&program);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("signal_capture");
    tcase_add_loop_test(tests, whole_stacks, 0, sizeof(kinds) / sizeof(kinds[0]));
    tcase_add_test(tests, the_leaf_is_exact);
    tcase_add_test(tests, others_are_captured_beside_a_held_loader_lock);
    tcase_add_test(tests, a_held_loader_lock_holds_nobody);
    tcase_add_test(tests, little_stack_of_a_coroutine);
    tcase_add_test(tests, smallest_alternate_stack);
    tcase_add_test(tests, blocked_threads_are_named);
    tcase_add_test(tests, sigwait_gets_nothing);
    tcase_add_test(tests, stopped_threads_are_named);
    tcase_add_test(tests, sandboxed_threads_are_named);
    tcase_add_loop_test(tests, program_takes_the_signal_later, 0, sizeof(verbs) / sizeof(verbs[0]));
    tcase_add_loop_test(tests, program_took_the_signal_before, 0, 2);
    tcase_add_test(tests, signal_of_another_sender_ends_the_program);
    tcase_add_test(tests, forked_child);
    return suite_run("signal_capture", tests);
}
