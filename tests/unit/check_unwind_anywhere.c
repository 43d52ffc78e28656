/* Stacks of threads that are stopped anywhere, and what eu-stack makes of the same. */
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

/* ---- caught anywhere --------------------------------------------------------------------------- */

static bool has(const struct stack *stack, const char *function)
{
    for (size_t i = 0; i < stack->count; i++)
        if (strcmp(target_name_of(&stack->frames[i]), function) == 0)
            return true;
    return false;
}

START_TEST(busy_threads)
{
    size_t in_vdso = 0, in_signal = 0;
    pid_t pid = run_target(target_path("unwind_busy"));
    for (int i = 0; i < 500; i++) {
        open_target(pid);
        const struct stack *main_stack = target_stack(pid), *other = target_stack_of_other(pid);
        if (!main_stack || !other) { /* the thread is not there yet */
            close_target();
            continue;
        }
        assert_begins(main_stack, "_start");
        assert_begins(other, "clone");
        ck_assert(has(main_stack, "main"));
        ck_assert(has(other, "again"));
        const char *module = main_stack->frames[0].module;
        in_vdso += module && strcmp(module, "[vdso]") == 0;
        in_signal += has(main_stack, "handle");
        close_target();
        usleep(100);
    }
    printf("busy: %zu times in the vdso, %zu in a signal handler\n", in_vdso, in_signal);
    end_target(pid);
}
END_TEST

START_TEST(threads_at_their_very_beginning)
{
    size_t others = 0;
    pid_t pid = run_target(target_path("unwind_creating"));
    double end = now_s() + PATIENCE_S;
    for (int i = 0; i < repeats(30, 300) || (!others && now_s() < end); i++) {
        usleep((useconds_t)(i % 2 ? 37 * i % 3000 : 0)); /* where there is one CPU, it runs only now */
        open_target(pid);
        for (size_t j = 0; j < target_snapshot->count; j++) {
            const struct stack *stack = unwind_thread(target_unwinder, j);
            bool is_main = target_snapshot->threads[j].tid == pid;
            if (stack)
                assert_begins(stack, is_main ? "_start" : "clone");
            others += stack && !is_main;
        }
        close_target();
    }
    ck_assert_uint_gt(others, 0);
    end_target(pid);
}
END_TEST

/* ---- a second opinion ----------------------------------------------------------------------------- */

/* "__GI_getppid", "getppid": one function. */
static const char *stem(const char *name)
{
    static const char *const prefixes[] = {"__GI_", "__libc_", "_"};
    for (size_t i = 0; i < 3; i++)
        while (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            name += strlen(prefixes[i]);
    return name;
}

static bool is_same_name(const char *ours, const char *theirs)
{
    char plain[300];
    snprintf(plain, sizeof(plain), "%s", stem(target_plain_name(theirs)));
    plain[strcspn(plain, "@ ")] = 0;
    return strncmp(stem(ours), plain, strlen(plain)) == 0;
}

static size_t compare_stack(FILE *eu_stack, pid_t tid, bool with_names)
{
    char line[1000], name[300];
    size_t frames = 0, number;
    unsigned long pc;
    const struct stack *stack = target_stack(tid);
    ck_assert_ptr_nonnull(stack);
    while (fgets(line, sizeof(line), eu_stack)) {
        int fields = sscanf(line, "#%zu %lx %299[^\n]", &number, &pc, name);
        if (fields < 2)
            break;
        ck_assert_msg(frames < stack->count && stack->frames[frames].pc == pc, "tid %d: %s is said after %s",
                      (int)tid, line, target_names(stack, "", NULL));
        const char *ours = target_name_of(&stack->frames[frames]);
        /* The symbols of the vdso are in the process alone. */
        if (with_names && fields == 3 && strcmp(ours, "?") != 0)
            ck_assert_msg(is_same_name(ours, name), "tid %d, frame %zu: %s here, %s there", (int)tid, frames,
                          ours, name);
        frames++;
    }
    /* It does not get out of clone3 in the thread that has just made another one. */
    if (with_names || frames != 1)
        ck_assert_uint_eq(frames, stack->count);
    if (sscanf(line, "TID %d", &tid) == 1 && !feof(eu_stack))
        frames += compare_stack(eu_stack, tid, with_names);
    return frames;
}

static size_t compare_with_eu_stack(pid_t pid, bool with_names)
{
    char command[64], line[1000];
    pid_t tid = 0;
    snprintf(command, sizeof(command), "eu-stack -n 0 -p %d 2>/dev/null", (int)pid);
    FILE *eu_stack = popen(command, "r");
    ck_assert_ptr_nonnull(eu_stack);
    while (!tid && fgets(line, sizeof(line), eu_stack))
        if (sscanf(line, "TID %d", &tid) != 1)
            tid = 0;
    ck_assert_int_ne(tid, 0);
    size_t frames = compare_stack(eu_stack, tid, with_names);
    pclose(eu_stack);
    return frames;
}

static const char *const compared[] = {"unwind_O0",     "unwind_O2",         "unwind_no_fp",
                                       "unwind_clang",  "unwind_static_pie", "unwind_throw",
                                       "unwind_signal", "unwind_recursion",  "unwind_stripped",
                                       "unwind_busy",   "unwind_debug_frame"};

START_TEST(elfutils_agrees)
{
    bool busy = strcmp(compared[_i], "unwind_busy") == 0;
    if (system("eu-stack --version >/dev/null 2>&1") != 0 || access(target_path(compared[_i]), X_OK) != 0) {
        printf("skip elfutils_agrees: no eu-stack, or no %s\n", compared[_i]);
        return;
    }
    pid_t pid = run_target(target_path(compared[_i]));
    for (int i = 0; i < (busy ? 20 : 1); i++) {
        if (!busy)
            ck_assert(wait_for_states(pid, "S"));
        kill(pid, SIGSTOP);
        ck_assert(wait_for_states(pid, "T"));
        open_target(pid);
        /* A function deep in libc may have names that have nothing in common: pcs have to do. */
        ck_assert_uint_gt(compare_with_eu_stack(pid, !busy), 5);
        close_target();
        kill(pid, SIGCONT);
        usleep(1000 * (busy ? (useconds_t)i % 7 + 1 : 0));
    }
    end_target(pid);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("unwind_anywhere");
    tcase_add_test(tests, busy_threads);
    tcase_add_test(tests, threads_at_their_very_beginning);
    tcase_add_loop_test(tests, elfutils_agrees, 0, sizeof(compared) / sizeof(compared[0]));
    return suite_run("unwind_anywhere", tests);
}
