/*
 * Threads that take their own stacks: which are asked and which are left alone,
 * whole stacks, and that the program does not notice.
 */
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
#include "suite.h"
#include "symbolize/symbolize.h"

#define NOBODY 65534

/* ---- a program to look at ----------------------------------------------------------- */

struct program {
    pid_t pid;
    FILE *in, *out;
};

static char shim[4096], target[4096];
static uid_t as_user;
static const char *target_name = "/signal_capture";

static void find_files(void)
{
    char exe[2048];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    ck_assert_int_gt(n, 0);
    exe[n] = 0;
    *strrchr(exe, '/') = 0; /* BUILD/tests/unit */
    *strrchr(exe, '/') = 0;
    *strrchr(exe, '/') = 0;
    const char *told = getenv("THREADLEAK_TARGETS");
    snprintf(shim, sizeof(shim), "%s/libthreadleak.so", exe);
    ck_assert_ptr_nonnull(realpath(told ? told : "build/targets", target));
    strcat(target, target_name);
}

static char *read_line(const struct program *program)
{
    static char line[256];
    if (!fgets(line, sizeof(line), program->out))
        return "";
    line[strcspn(line, "\n")] = 0;
    return line;
}

static struct program start_program(const char *kinds, int count, const char *first)
{
    int to[2], from[2];
    char number[16];
    struct program program;

    find_files();
    ck_assert_int_eq(pipe2(to, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(from, O_CLOEXEC), 0);
    snprintf(number, sizeof(number), "%d", count);
    program.pid = fork();
    if (program.pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        setenv("LD_PRELOAD", shim, 1);
        setenv("THREADLEAK_OPTIONS", "report=running:judge=exit", 1);
        if (as_user && setresuid(as_user, as_user, as_user) != 0)
            _exit(126);
        execl(target, target, kinds, number, first, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    program.in = fdopen(to[1], "w");
    program.out = fdopen(from[0], "r");
    if (first)
        for (const char *line; strcmp(line = read_line(&program), "done") != 0;)
            ck_assert_msg(*line, "the program ended");
    ck_assert_str_eq(read_line(&program), "ready");
    return program;
}

/* What it answers to a command: its first line. */
static const char *tell(const struct program *program, const char *command)
{
    static char first[256];
    fprintf(program->in, "%s\n", command);
    fflush(program->in);
    strcpy(first, read_line(program));
    for (const char *line = first; *line && strcmp(line, "done") != 0;)
        line = read_line(program);
    return first;
}

static void end_program(const struct program *program)
{
    int status;
    fclose(program->in);
    ck_assert_str_eq(read_line(program), "");
    fclose(program->out);
    ck_assert_int_eq(waitpid(program->pid, &status, 0), program->pid);
    ck_assert_msg(status == 0, "the program ended with status %#x", (unsigned)status);
}

/* ---- what was captured --------------------------------------------------------------- */

static struct signal_capture *capture_of(pid_t pid)
{
    struct signal_capture *capture;
    struct error error = {""};
    enum signal_capture_status status = signal_capture_take(pid, 10000, &capture, &error);
    ck_assert_msg(status == SIGNAL_CAPTURE_OK, "%s", error.text);
    return capture;
}

/* "f3 f2 f1 f0 start_thread", with "?" for what has no name. */
static const char *stack_of(const struct signal_capture *capture, const struct ledger_stack *current)
{
    static char text[16384];
    static struct symbolizer *symbolizer;
    size_t length = 0;
    if (!symbolizer)
        symbolizer = symbolizer_new(false);
    text[0] = 0;
    for (uint32_t i = 0; i < current->frame_count && length < sizeof(text) - 256; i++) {
        const struct ledger_module *module =
            ledger_get_module(capture->ledger, ledger_pc_module(current->frames[i]));
        struct code_address address = {.offset = ledger_pc_offset(current->frames[i]),
                                       .is_return_address = i > 0};
        if (module) {
            address.module = ledger_get_string(capture->ledger, module->path);
            address.build_id = module->build_id;
            address.build_id_len = module->build_id_len;
        }
        const struct frame_list *list = symbolize(symbolizer, &address);
        for (size_t f = 0; f < list->count; f++)
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s ",
                                       list->frames[f].function ? list->frames[f].function : "?");
    }
    return text;
}

static size_t with_reason(const struct signal_capture *capture, enum signal_capture_reason reason)
{
    size_t n = 0;
    for (size_t i = 0; i < capture->count; i++)
        n += capture->threads[i].reason == reason;
    return n;
}

/* How many have these functions in a row, and were captured down to the thread's start. */
static size_t with_stack(const struct signal_capture *capture, const char *functions)
{
    size_t n = 0;
    for (size_t i = 0; i < capture->count; i++) {
        const struct ledger_stack *current = capture->threads[i].current;
        n += current && !(current->flags & SITE_TRUNCATED) && strstr(stack_of(capture, current), functions);
    }
    return n;
}

static void say_all(const struct signal_capture *capture)
{
    char text[64];
    for (size_t i = 0; i < capture->count; i++) {
        const struct signal_capture_thread *thread = &capture->threads[i];
        fprintf(stderr, "%d %s: %s flags %u\n", (int)thread->tid,
                signal_capture_reason_text(capture, thread->reason, text),
                thread->current ? stack_of(capture, thread->current) : "",
                thread->current ? thread->current->flags : 0);
    }
}

#define assert_count(capture, found, wanted)                                                               \
    do {                                                                                                   \
        size_t found_ = (found);                                                                           \
        if (found_ != (size_t)(wanted))                                                                    \
            say_all(capture);                                                                              \
        ck_assert_msg(found_ == (size_t)(wanted), "%s is %zu, not %zu", #found, found_, (size_t)(wanted)); \
    } while (0)

static void assert_all_have(const char *kinds, int count, const char *functions)
{
    struct program program = start_program(kinds, count, NULL);
    /* Of one that runs it is not known whether its small stack has room. */
    if (strcmp(kinds, "s") == 0)
        ck_assert(wait_for_states(program.pid, "S"));
    struct signal_capture *capture = capture_of(program.pid);
    assert_count(capture, capture->taken, (size_t)count * strlen(kinds) + 1);
    assert_count(capture, with_stack(capture, functions), (size_t)count * strlen(kinds));
    assert_count(capture, with_stack(capture, " main "), 1);
    signal_capture_free(capture);
    end_program(&program);
}

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
                ck_assert_int_eq(strncmp(stack_of(capture, capture->threads[t].current), "f3 f2 ", 6), 0);
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
    ck_assert_str_eq(tell(&program, "areas"), "done");
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
    ck_assert_str_eq(tell(&program, "areas"), "done");
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
    tell(&program, "seccomp");
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
    ck_assert_str_eq(tell(&program, command), "is 1");
    snprintf(command, sizeof(command), "%s %d", verbs[_i], SIGRTMAX - 1);
    ck_assert_str_eq(tell(&program, command), "was 1");
    assert_off(&program);
    snprintf(command, sizeof(command), "kill %d", SIGRTMAX - 1);
    if (_i < 2)
        ck_assert_ptr_nonnull(strstr(tell(&program, command), "own handler"));
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
    tell(&program, "fork");
    char path[64];
    int child = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)program.pid, (int)program.pid);
    for (int tries = 0; tries < 1000 && child == 0; tries++) {
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
    tell(&program, command);
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
    ck_assert_msg(took < 5, "it took %.3f s", took);
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
    if (signal_capture_take(program.pid, 10000, &capture, &error) == SIGNAL_CAPTURE_OK)
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
        as_user = NOBODY;
    struct program program = start_program("fr", 4, NULL);
    pid_t asker = fork();
    if (asker == 0) {
        struct error error = {""};
        struct snapshot *snapshot;
        struct signal_capture *capture;
        if (as_user && setresuid(as_user, as_user, as_user) != 0)
            _exit(8);
        forbid_ptrace();
        if (snapshot_take(program.pid, NULL, &snapshot, &error) != SNAPSHOT_REFUSED)
            _exit(7);
        if (signal_capture_take(program.pid, 10000, &capture, &error) != SIGNAL_CAPTURE_OK) {
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
    tcase_add_test(tests, ten_captures_under_load);
    tcase_add_test(tests, signal_storm);
    tcase_add_test(tests, a_thousand_threads);
    tcase_add_loop_test(tests, process_that_ends_meanwhile, 0, repeats(3, 20));
    tcase_add_test(tests, another_tracer);
    tcase_add_loop_test(tests, ptrace_forbidden, 0, 2);
    return suite_run("signal_capture", tests);
}
