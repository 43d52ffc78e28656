/* Whole stacks of programs built in every way, and elfutils' own opinion of them. */
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
#include "suite.h"
#include "unwind/unwind.h"

enum { MAX_NAMES = 1 << 20 };

static struct snapshot *snapshot;
static struct unwinder *unwinder;
static struct symbolizer *symbolizer;

/* ---- a target ----------------------------------------------------------------------- */

static const char *target_path(const char *name)
{
    static char path[4096];
    char directory[4096];
    const char *told = getenv("THREADLEAK_TARGETS");
    ck_assert_ptr_nonnull(realpath(told ? told : "build/targets", directory));
    snprintf(path, sizeof(path), "%.3000s/%s", directory, name);
    return path;
}

/* Returns when it has said that it is ready. */
static pid_t start(const char *path)
{
    int out[2];
    char line[8];
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDOUT_FILENO);
        execl(path, path, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    ck_assert_msg(read(out[0], line, sizeof(line)) > 0, "%s does not start", path);
    return pid;
}

static pid_t start_target(const char *name)
{
    pid_t pid = start(target_path(name));
    ck_assert(wait_for_states(pid, "S"));
    return pid;
}

static void look_at(pid_t pid)
{
    struct error error = {""};
    ck_assert_msg(snapshot_take(pid, NULL, &snapshot, &error) == SNAPSHOT_OK, "%s", error.text);
    unwinder = unwinder_new(snapshot, &error);
    ck_assert_msg(unwinder, "%s", error.text);
    if (!symbolizer)
        symbolizer = symbolizer_new(false);
}

static void look_away(void)
{
    unwinder_free(unwinder);
    snapshot_free(snapshot);
    unwinder = NULL;
    snapshot = NULL;
}

static void end_target(pid_t pid)
{
    look_away();
    symbolizer_free(symbolizer);
    symbolizer = NULL;
    child_end(pid);
}

static const struct stack *stack_of(pid_t tid)
{
    for (size_t i = 0; i < snapshot->count; i++)
        if (snapshot->threads[i].tid == tid)
            return unwind_thread(unwinder, i);
    return NULL;
}

/* The one thread beside the main thread. */
static const struct stack *stack_of_other(pid_t pid)
{
    for (size_t i = 0; i < snapshot->count; i++)
        if (snapshot->threads[i].tid != pid)
            return unwind_thread(unwinder, i);
    return NULL;
}

/* ---- names ----------------------------------------------------------------------------- */

/* libc has several names for one function, and which one is told depends on the reader. */
static const char *plain_name(const char *name)
{
    static const char *const aliases[][2] = {
        {"__libc_pause", "pause"},
        {"__libc_start_main_impl", "__libc_start_main"},
        {"__libc_start_main@@GLIBC_2.34", "__libc_start_main"},
        {"__clone3", "clone3"},
    };
    for (size_t i = 0; name && i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (strcmp(name, aliases[i][0]) == 0)
            return aliases[i][1];
    return name ? name : "?";
}

/* The function that was called, not what the compiler put into it. */
static const char *name_of(const struct code_address *address)
{
    const struct frame_list *list = symbolize(symbolizer, address);
    return plain_name(list->frames[list->count - 1].function);
}

/* "pause f3 f2 f1 f0 main", to the frame named last; from module, when that is given. */
static const char *names(const struct stack *stack, const char *last, const char *module)
{
    static char text[MAX_NAMES];
    size_t length = 0;
    text[0] = 0;
    for (size_t i = 0; i < stack->count && length < sizeof(text) - 300; i++) {
        struct code_address address = stack->frames[i];
        if (module && address.module && strstr(address.module, "/unwind_"))
            address.module = module;
        const char *name = name_of(&address);
        length += (size_t)snprintf(text + length, 300, "%s%s", i ? " " : "", name);
        if (strcmp(name, last) == 0)
            break;
    }
    return text;
}

static void assert_begins(const struct stack *stack, const char *first_function)
{
    ck_assert_msg(!stack->incomplete, "%s after %s (%s + %#lx)", stack->incomplete, names(stack, "", NULL),
                  stack->frames[stack->count - 1].module,
                  (unsigned long)stack->frames[stack->count - 1].offset);
    const char *name = name_of(&stack->frames[stack->count - 1]);
    ck_assert_msg(strncmp(name, first_function, strlen(first_function)) == 0, "the stack begins in %s", name);
}

/* It blocks all signals that can be blocked but libc's own two. */
static void assert_deaf(pid_t pid)
{
    char path[64], line[256];
    unsigned long long blocked = 0;
    for (size_t i = 0; i < snapshot->count; i++) {
        if (snapshot->threads[i].tid == pid)
            continue;
        snprintf(path, sizeof(path), "/proc/%d/status", (int)snapshot->threads[i].tid);
        FILE *file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file))
            if (sscanf(line, "SigBlk: %llx", &blocked) == 1)
                break;
        if (file)
            fclose(file);
    }
    ck_assert_msg(blocked == 0xfffffffe7ffbfeffull, "%#llx", blocked);
}

static void assert_chain(const char *name, const char *names_from)
{
    pid_t pid = start_target(name);
    look_at(pid);
    char *module = names_from ? strdup(target_path(names_from)) : NULL;
    const struct stack *main_stack = stack_of(pid), *other = stack_of_other(pid);
    ck_assert_ptr_nonnull(main_stack);
    ck_assert_ptr_nonnull(other);
    ck_assert_str_eq(names(main_stack, "main", module), "pause f3 f2 f1 f0 main");
    ck_assert_str_eq(names(other, "start_thread", module), "pause f3 f2 f1 f0 deaf start_thread");
    ck_assert_msg(!main_stack->incomplete && !other->incomplete, "incomplete");
    if (!module)
        assert_begins(main_stack, "_start");
    assert_begins(other, "clone");
    assert_deaf(pid);
    ck_assert(!main_stack->frames[0].is_return_address);
    ck_assert(main_stack->frames[1].is_return_address);
    free(module);
    end_target(pid);
}

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
    look_at(pid);
    ck_assert_str_eq(names(stack_of(pid), "main", NULL), expected);
    assert_begins(stack_of(pid), "_start");
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
    look_at(pid);
    const struct stack *stack = stack_of(pid);
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
    look_at(pid);
    const struct stack *stack = stack_of(pid);
    ck_assert_str_eq(names(stack, "main", NULL), expected);
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
    look_at(pid);
    const char *all = names(stack_of(pid), "main", NULL);
    ck_assert_str_eq(all, "pause stay() guard::~guard() f1(int) f0(int) main");
    assert_begins(stack_of(pid), "_start");
    end_target(pid);
}
END_TEST

START_TEST(twenty_thousand_frames)
{
    pid_t pid = start_target("unwind_recursion");
    look_at(pid);
    const struct stack *stack = stack_of(pid);
    ck_assert_uint_gt(stack->count, 20001);
    for (size_t i = 1; i <= 20000; i++)
        ck_assert_str_eq(name_of(&stack->frames[i]), "recurse");
    ck_assert_str_eq(name_of(&stack->frames[20001]), "main");
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
    ck_assert_int_eq(snapshot_take(pid, &little, &snapshot, &error), SNAPSHOT_OK);
    ck_assert_uint_le(snapshot->threads[0].stack.size, 4096);
    unwinder = unwinder_new(snapshot, &error);
    ck_assert_ptr_nonnull(unwinder);
    symbolizer = symbolizer_new(false);
    ck_assert_uint_gt(stack_of(pid)->count, 20001);
    assert_begins(stack_of(pid), "_start");
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
    pid_t pid = start(path);
    ck_assert(wait_for_states(pid, "S"));
    unlink(path);
    look_at(pid);
    const struct stack *stack = stack_of(pid);
    ck_assert_str_eq(names(stack, "main", target_path("unwind_no_fp")), "pause f3 f2 f1 f0 main");
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
    pid_t pid = start(path);
    ck_assert(wait_for_states(pid, "S"));
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0666), 0);
    look_at(pid);
    ck_assert_str_eq(names(stack_of(pid), "main", target_path("unwind_no_fp")), "pause f3 f2 f1 f0 main");
    unlink(path);
    end_target(pid);
}
END_TEST

START_TEST(deleted_file_without_privileges)
{
    if (geteuid() == 0)
        ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
    const char *told = getenv("THREADLEAK_TARGETS");
    if (access(told ? told : "build/targets", R_OK | X_OK) != 0) {
        puts("skip deleted_file_without_privileges: the directory is not for everybody");
        return;
    }
    prctl(PR_SET_DUMPABLE, 1);
    assert_without_file();
}
END_TEST

/* ---- caught anywhere --------------------------------------------------------------------------- */

static bool has(const struct stack *stack, const char *function)
{
    for (size_t i = 0; i < stack->count; i++)
        if (strcmp(name_of(&stack->frames[i]), function) == 0)
            return true;
    return false;
}

START_TEST(busy_threads)
{
    size_t in_vdso = 0, in_signal = 0;
    pid_t pid = start(target_path("unwind_busy"));
    for (int i = 0; i < 500; i++) {
        look_at(pid);
        const struct stack *main_stack = stack_of(pid), *other = stack_of_other(pid);
        if (!main_stack || !other) { /* the thread is not there yet */
            look_away();
            continue;
        }
        assert_begins(main_stack, "_start");
        assert_begins(other, "clone");
        ck_assert(has(main_stack, "main"));
        ck_assert(has(other, "again"));
        const char *module = main_stack->frames[0].module;
        in_vdso += module && strcmp(module, "[vdso]") == 0;
        in_signal += has(main_stack, "handle");
        look_away();
        usleep(100);
    }
    printf("busy: %zu times in the vdso, %zu in a signal handler\n", in_vdso, in_signal);
    end_target(pid);
}
END_TEST

START_TEST(threads_at_their_very_beginning)
{
    size_t others = 0;
    pid_t pid = start(target_path("unwind_creating"));
    double end = now_s() + PATIENCE_S;
    for (int i = 0; i < repeats(30, 300) || (!others && now_s() < end); i++) {
        usleep((useconds_t)(i % 2 ? 37 * i % 3000 : 0)); /* where there is one CPU, it runs only now */
        look_at(pid);
        for (size_t j = 0; j < snapshot->count; j++) {
            const struct stack *stack = unwind_thread(unwinder, j);
            bool is_main = snapshot->threads[j].tid == pid;
            if (stack)
                assert_begins(stack, is_main ? "_start" : "clone");
            others += stack && !is_main;
        }
        look_away();
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
    snprintf(plain, sizeof(plain), "%s", stem(plain_name(theirs)));
    plain[strcspn(plain, "@ ")] = 0;
    return strncmp(stem(ours), plain, strlen(plain)) == 0;
}

static size_t compare_stack(FILE *eu_stack, pid_t tid, bool with_names)
{
    char line[1000], name[300];
    size_t frames = 0, number;
    unsigned long pc;
    const struct stack *stack = stack_of(tid);
    ck_assert_ptr_nonnull(stack);
    while (fgets(line, sizeof(line), eu_stack)) {
        int fields = sscanf(line, "#%zu %lx %299[^\n]", &number, &pc, name);
        if (fields < 2)
            break;
        ck_assert_msg(frames < stack->count && stack->frames[frames].pc == pc, "tid %d: %s is said after %s",
                      (int)tid, line, names(stack, "", NULL));
        const char *ours = name_of(&stack->frames[frames]);
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
    pid_t pid = start(target_path(compared[_i]));
    for (int i = 0; i < (busy ? 20 : 1); i++) {
        if (!busy)
            ck_assert(wait_for_states(pid, "S"));
        kill(pid, SIGSTOP);
        ck_assert(wait_for_states(pid, "T"));
        look_at(pid);
        /* A function deep in libc may have names that have nothing in common: pcs have to do. */
        ck_assert_uint_gt(compare_with_eu_stack(pid, !busy), 5);
        look_away();
        kill(pid, SIGCONT);
        usleep(1000 * (busy ? (useconds_t)i % 7 + 1 : 0));
    }
    end_target(pid);
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
    tcase_add_test(tests, busy_threads);
    tcase_add_test(tests, threads_at_their_very_beginning);
    tcase_add_loop_test(tests, elfutils_agrees, 0, sizeof(compared) / sizeof(compared[0]));
    return suite_run("unwind", tests);
}
