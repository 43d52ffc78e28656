/* Stacks of programs that were built in many ways, and of those whose files are gone. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/process.h"
#include "snapshot_child.h"
#include "unwind_target.h"
#include "suite.h"
#include "unwind/unwind.h"

enum { MAX_NAMES = 1 << 20 };

/* ---- builds ---------------------------------------------------------------------------------- */

static const struct {
    const char *name, *names_from;
} builds[] = {
    {"unwind_O0", NULL},          {"unwind_O2", NULL},         {"unwind_no_fp", NULL},
    {"unwind_clang", NULL},       {"unwind_static_pie", NULL}, {"unwind_stripped", "unwind_unstripped"},
    {"unwind_debug_frame", NULL}, {"unwind_fp_only", NULL},
};

START_TEST(chain)
{
    if (access(target_path(builds[_i].name), X_OK) != 0) {
        printf("skip %s: not built here\n", builds[_i].name);
        return;
    }
    assert_chain(builds[_i].name, builds[_i].names_from);
}
END_TEST

static void assert_names(const char *target, const char *expected)
{
    pid_t pid = start_target(target);
    open_target(pid);
    ck_assert_str_eq(target_names(target_stack(pid), "main", NULL), expected);
    assert_begins(target_stack(pid), "_start");
    end_target(pid);
}

START_TEST(signal_handler_on_another_stack)
{
    assert_names("unwind_signal", "pause stay handler __restore_rt f1 f0 main");
}
END_TEST

START_TEST(frames_around_a_signal_are_not_return_addresses)
{
    pid_t pid = start_target("unwind_signal");
    open_target(pid);
    const struct stack *stack = target_stack(pid);
    static const bool expected[] = {false, true, true, false, false, true, true};
    for (size_t i = 0; i < sizeof(expected); i++)
        ck_assert_msg(stack->frames[i].is_return_address == expected[i], "frame %zu", i);
    end_target(pid);
}
END_TEST

START_TEST(call_of_address_0)
{
    assert_names("unwind_null_call", "pause handler __restore_rt ? f1 f0 main");
}
END_TEST

#if defined(__x86_64__)
static void assert_generated(const char *target, const char *expected, const char *why)
{
    pid_t pid = start_target(target);
    open_target(pid);
    const struct stack *stack = target_stack(pid);
    ck_assert_str_eq(target_names(stack, "main", NULL), expected);
    ck_assert_ptr_nonnull(stack->incomplete);
    ck_assert_msg(strstr(stack->incomplete, why), "%s", stack->incomplete);
    ck_assert_ptr_null(stack->frames[2].module);
    end_target(pid);
}

/* Whatever is found beyond it, the stack is not said to be whole. */
START_TEST(generated_code)
{
    assert_generated("unwind_generated", "pause called_back ? main", "some callers may be missing");
    assert_generated("unwind_generated_no_fp", "pause called_back ?", "no call-frame information");
}
END_TEST
#endif

START_TEST(exception_in_flight)
{
    pid_t pid = start_target("unwind_throw");
    open_target(pid);
    const char *all = target_names(target_stack(pid), "main", NULL);
    ck_assert_str_eq(all, "pause stay() guard::~guard() f1(int) f0(int) main");
    assert_begins(target_stack(pid), "_start");
    end_target(pid);
}
END_TEST

START_TEST(twenty_thousand_frames)
{
    pid_t pid = start_target("unwind_recursion");
    open_target(pid);
    const struct stack *stack = target_stack(pid);
    ck_assert_uint_gt(stack->count, 20001);
    for (size_t i = 1; i <= 20000; i++)
        ck_assert_str_eq(target_name_of(&stack->frames[i]), "recurse");
    ck_assert_str_eq(target_name_of(&stack->frames[20001]), "main");
    assert_begins(stack, "_start");
    end_target(pid);
}
END_TEST

/* All of it through a second stop. */
START_TEST(twenty_thousand_frames_after_a_small_copy)
{
    const struct snapshot_options little = {.copied_bytes = 1};
    struct error error;
    pid_t pid = start_target("unwind_recursion");
    ck_assert_int_eq(snapshot_take(pid, &little, &target_snapshot, &error), SNAPSHOT_OK);
    ck_assert_uint_le(target_snapshot->threads[0].stack.size, 4096);
    target_unwinder = unwinder_new(target_snapshot, &error);
    ck_assert_ptr_nonnull(target_unwinder);
    target_symbolizer = symbolizer_new(false);
    ck_assert_uint_gt(target_stack(pid)->count, 20001);
    assert_begins(target_stack(pid), "_start");
    end_target(pid);
}
END_TEST

/* ---- the file is gone ------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    char command[10000];
    snprintf(command, sizeof(command), "cp '%s' '%s' && chmod 755 '%s'", from, to, to);
    ck_assert_int_eq(system(command), 0);
}

/* Without privileges there is no way to the file but through memory. */
static void assert_without_file(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/unwind_gone.%d", (int)getpid());
    copy_file(target_path("unwind_no_fp"), path);
    pid_t pid = run_target(path);
    ck_assert(wait_for_states(pid, "S"));
    unlink(path);
    open_target(pid);
    const struct stack *stack = target_stack(pid);
    ck_assert_str_eq(target_names(stack, "main", target_path("unwind_no_fp")), "pause f3 f2 f1 f0 main");
    ck_assert_ptr_null(stack->incomplete);
    ck_assert_str_eq(stack->frames[1].module, path);
    ck_assert_uint_eq(stack->frames[1].build_id_len, 20);
    end_target(pid);
}

START_TEST(deleted_file)
{
    assert_without_file();
}
END_TEST

/* Nobody writes into it: opening would take forever. */
START_TEST(a_pipe_in_place_of_the_file)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/unwind_pipe.%d", (int)getpid());
    copy_file(target_path("unwind_no_fp"), path);
    pid_t pid = run_target(path);
    ck_assert(wait_for_states(pid, "S"));
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0666), 0);
    open_target(pid);
    ck_assert_str_eq(target_names(target_stack(pid), "main", target_path("unwind_no_fp")),
                     "pause f3 f2 f1 f0 main");
    unlink(path);
    end_target(pid);
}
END_TEST

START_TEST(deleted_file_without_privileges)
{
    if (geteuid() == 0)
        ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
    const char *given = getenv("THREADLEAK_TARGETS");
    if (access(given ? given : "build/targets", R_OK | X_OK) != 0) {
        puts("skip deleted_file_without_privileges: the directory is not for everybody");
        return;
    }
    prctl(PR_SET_DUMPABLE, 1);
    assert_without_file();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("unwind");
    tcase_add_loop_test(tests, chain, 0, sizeof(builds) / sizeof(builds[0]));
    tcase_add_test(tests, signal_handler_on_another_stack);
    tcase_add_test(tests, frames_around_a_signal_are_not_return_addresses);
    tcase_add_test(tests, call_of_address_0);
#if defined(__x86_64__)
    tcase_add_test(tests, generated_code);
#endif
    tcase_add_test(tests, exception_in_flight);
    tcase_add_test(tests, twenty_thousand_frames);
    tcase_add_test(tests, twenty_thousand_frames_after_a_small_copy);
    tcase_add_test(tests, deleted_file);
    tcase_add_test(tests, a_pipe_in_place_of_the_file);
    tcase_add_test(tests, deleted_file_without_privileges);
    return suite_run("unwind", tests);
}
