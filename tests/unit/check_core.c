/* Reports of core files: whole ones, partial ones, and files that are none. */
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_child.h"
#include "core/core.h"
#include "ledger_fake.h"
#include "snapshot_child.h"
#include "core_opened.h"
#include "suite.h"
#include "symbolize/symbolize.h"
#include "unwind/unwind.h"

/* ---- whole cores ------------------------------------------------------------------- */

static const struct {
    const char *name, *names_from;
} builds[] = {
    {"unwind_no_fp", NULL}, {"unwind_O0", NULL},          {"unwind_static_pie", NULL},
    {"unwind_clang", NULL}, {"unwind_debug_frame", NULL}, {"unwind_stripped", "unwind_unstripped"},
};
enum { BUILDS = sizeof(builds) / sizeof(builds[0]) };

START_TEST(current_stacks_after_the_process_is_gone)
{
    size_t build = (size_t)_i / CORE_MAKERS;
    if (access(core_target(builds[build].name), X_OK) != 0) {
        printf("skip %s: not built here\n", builds[build].name);
        return;
    }
    pid_t pid = core_start(core_target(builds[build].name), CORE_PLAIN);
    const char *path = core_of(pid, (enum core_maker)(_i % CORE_MAKERS), SIGSEGV);
    if (!path)
        return;
    open_core(path);
    ck_assert_int_eq(core->pid, pid);
    ck_assert_uint_eq(snapshot->count, 2);
    ck_assert_str_eq(core->notice.text, "");
    ck_assert(snapshot->complete);
    assert_whole(builds[build].names_from ? core_target(builds[build].names_from) : NULL);
    ck_assert_int_eq(ledger_status, LEDGER_OPEN_NOT_WATCHED);
    ck_assert_ptr_nonnull(strstr(ledger_error.text, "was not watched"));
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(snapshot->threads[i].syscall_nr, CALL_OF_PAUSE);
}
END_TEST

START_TEST(creation_stacks_of_a_watched_program)
{
    pid_t pid = core_start(core_target("unwind_no_fp"), CORE_WATCHED);
    const char *path = core_of(pid, (enum core_maker)_i, SIGSEGV);
    if (!path)
        return;
    open_core(path);
    assert_whole(NULL);
    assert_ledger();
}
END_TEST

START_TEST(who_took_the_signal)
{
    static const int signals[] = {SIGSEGV, SIGABRT, SIGQUIT};
    pid_t pid = core_start(core_target("unwind_no_fp"), CORE_PLAIN);
    const char *path = core_of(pid, CORE_BY_KERNEL, signals[_i]);
    if (!path)
        return;
    open_core(path);
    ck_assert_int_eq(core->signal, signals[_i]);
    ck_assert_int_eq(core->crashed, pid); /* the other one blocks all signals */
    ck_assert_str_eq(core->command, "unwind_no_fp");
    ck_assert_int_eq(core->parent_pid, getpid());
}
END_TEST

START_TEST(a_live_dump_is_no_end)
{
    const char *path = core_of(core_start(core_target("unwind_no_fp"), CORE_PLAIN), CORE_BY_GCORE, 0);
    if (!path)
        return;
    open_core(path);
    ck_assert_int_eq(core->signal, 0);
    ck_assert_int_eq(core->crashed, 0);
}
END_TEST

START_TEST(frames_of_a_signal_handler)
{
    const char *path =
        core_of(core_start(core_target("unwind_signal"), CORE_PLAIN), (enum core_maker)_i, SIGQUIT);
    if (!path)
        return;
    open_core(path);
    ck_assert_str_eq(names(stack_of(true), "main", NULL), "pause stay handler __restore_rt f1 f0 main");
}
END_TEST

/* ---- what was not dumped ----------------------------------------------------------- */

START_TEST(ledger_of_a_run)
{
    pid_t pid = core_start(core_target("unwind_no_fp"), CORE_WATCHED | CORE_IN_RUN);
    const char *path = core_of(pid, (enum core_maker)_i, SIGSEGV);
    if (!path)
        return;
    open_core(path);
    if (core->signal) {
        assert_ledger();
        char *again = strdup(path);
        char name[64];
        close_core();
        snprintf(name, sizeof(name), "ledger.%d.0", (int)pid);
        ck_assert_int_eq(unlink(core_directory_path(name)), 0);
        open_core(again);
        free(again);
    }
    ck_assert_int_eq(ledger_status, LEDGER_OPEN_FAILED);
    ck_assert_ptr_null(ledger);
    ck_assert_ptr_nonnull(strstr(ledger_error.text, "the ledger was the file /tmp/threadleak-unit."));
    assert_whole(NULL);
}
END_TEST

START_TEST(shared_memory_left_out)
{
    core_set_filter(0x31);
    pid_t pid = core_start(core_target("unwind_no_fp"), CORE_WATCHED);
    const char *path = core_of(pid, (enum core_maker)_i, SIGSEGV);
    if (!path)
        return;
    open_core(path);
    ck_assert_int_eq(ledger_status, LEDGER_OPEN_FAILED);
    ck_assert_ptr_nonnull(strstr(ledger_error.text, "shared memory was not dumped"));
    assert_whole(NULL);
}
END_TEST

/* Without them nothing proves that the files there are the ones. */
START_TEST(elf_headers_left_out)
{
    core_set_filter(0x23);
    pid_t pid = core_start(core_target("unwind_no_fp"), CORE_PLAIN);
    const char *path = core_of(pid, CORE_BY_KERNEL, SIGSEGV);
    if (!path)
        return;
    open_core(path);
    const struct stack *stack = stack_of(true);
    ck_assert_str_eq(names(stack, "", NULL), "?");
    ck_assert(stack->frames[0].is_unproven);
    ck_assert_ptr_nonnull(stack->incomplete);
    ck_assert_ptr_nonnull(strstr(stack->frames[0].module, "/libc.so.6"));
}
END_TEST

/* ---- the program's file is gone, or is another ---------------------------------------- */

static void run_command(const char *format, const char *a, const char *b)
{
    char command[10000];
    snprintf(command, sizeof(command), format, a, b);
    ck_assert_msg(system(command) == 0, "%s", command);
}

static const struct {
    const char *target, *replaced_by;
    unsigned filter;
    const char *expected;
} replaced[] = {
    /* By nothing, by another build, by something that is no program at all. */
    {"unwind_no_fp", NULL, 0x33, "pause ?"},
    {"unwind_no_fp", "unwind_O0", 0x33, "pause ?"},
    {"unwind_no_fp", "../libthreadleak.so", 0x33, "pause ?"},
    /* With all of its code dumped. */
    {"unwind_no_fp", NULL, 0x37, "pause ? ? ? ? ? __libc_start_call_main"},
    {"unwind_no_fp", "unwind_O0", 0x37, "pause ? ? ? ? ? __libc_start_call_main"},
};

START_TEST(replaced_program)
{
    char *program = strdup(core_directory_path("unwind_program"));
    char *target = strdup(core_target(replaced[_i].target));
    core_set_filter(replaced[_i].filter);
    run_command("cp '%s' '%s'", target, program);
    const char *path = core_of(core_start(program, CORE_PLAIN), CORE_BY_KERNEL, SIGSEGV);
    if (!path)
        return;
    char *made = strdup(path);
    unlink(program);
    if (replaced[_i].replaced_by)
        run_command("cp '%s' '%s'", core_target(replaced[_i].replaced_by), program);
    open_core(made);
    const struct stack *stack = stack_of(true);
    ck_assert_str_eq(names(stack, "__libc_start_call_main", NULL), replaced[_i].expected);
    ck_assert((stack->incomplete != NULL) == (replaced[_i].filter == 0x33));
    ck_assert_str_eq(stack->frames[1].module, program);
    ck_assert_uint_eq(stack->frames[1].build_id_len, 20);
    free(made);
    free(program);
    free(target);
}
END_TEST

static void assert_without_build_id(const char *expected)
{
    const char *path =
        core_of(core_start(core_directory_path("unwind_program"), CORE_PLAIN), CORE_BY_KERNEL, SIGSEGV);
    if (!path)
        return;
    char *made = strdup(path);
    if (strchr(expected, '?')) /* as if it had been linked again, with the same sizes */
        run_command("touch -d '1 hour' '%s'%s", core_directory_path("unwind_program"), "");
    open_core(made);
    ck_assert_str_eq(names(stack_of(true), "main", NULL), expected);
    free(made);
}

START_TEST(program_without_build_id)
{
    run_command("cp '%s' '%s'", core_target("unwind_no_build_id"), core_directory_path("unwind_program"));
    run_command("touch -d '1 hour ago' '%s'%s", core_directory_path("unwind_program"), "");
    assert_without_build_id(_i ? "pause ?" : "pause f3 f2 f1 f0 main");
}
END_TEST

/* ---- what is not such a core ------------------------------------------------------------- */

static void assert_refused(const char *path, const char *why)
{
    struct error error = {""};
    ck_assert_ptr_null(core_file_open(path, &error));
    ck_assert_msg(strstr(error.text, why), "%s", error.text);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}

START_TEST(foreign_cores)
{
    static const struct {
        size_t at;
        char byte;
        const char *why;
    } changes[] = {
        {EI_CLASS, ELFCLASS32, "32-bit program"},
        {EI_DATA, ELFDATA2MSB, "is not a core file"}, /* its type is one of the other order, too */
        {offsetof(Elf64_Ehdr, e_machine), EM_S390, "another architecture (ELF machine 22)"},
        {offsetof(Elf64_Ehdr, e_phentsize), 32, "damaged"},
    };
    size_t size;
    char *path = small_core(CORE_BY_GCORE, CORE_PLAIN);
    if (!path)
        return;
    char *bytes = core_read_file(path, &size);
    char before = bytes[changes[_i].at];
    bytes[changes[_i].at] = changes[_i].byte;
    core_write_file(path, bytes, size);
    assert_refused(path, changes[_i].why);
    bytes[changes[_i].at] = before;
    core_write_file(path, bytes, 64);
    assert_refused(path, "neither a thread nor memory");
    free(bytes);
    free(path);
}
END_TEST

/* Of a program that is ended where it begins. */
static const char *end_by_tracing(const char *program)
{
    int status;
    char *path = strdup(program);
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
        setrlimit(RLIMIT_CORE, &unlimited);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        if (chdir(core_directory_path(".")) == 0)
            execl(path, path, (char *)NULL);
        _exit(127);
    }
    free(path);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (!WIFSTOPPED(status))
        return NULL;
    ptrace(PTRACE_DETACH, pid, NULL, (void *)SIGSEGV);
    return core_wait(pid);
}

START_TEST(core_of_a_32bit_program)
{
    bool built = access(core_target("program_32bit"), X_OK) == 0;
    const char *path = built ? end_by_tracing(core_target("program_32bit")) : NULL;
    if (!path) {
        printf("skip core_of_a_32bit_program: not built, or does not run here\n");
        return;
    }
    ck_assert(core_file_is(path));
    assert_refused(path, "is the core of a 32-bit program");
}
END_TEST

START_TEST(no_cores)
{
    ck_assert(!core_file_is(core_target("unwind_no_fp")));
    ck_assert(!core_file_is("/dev/null"));
    ck_assert(!core_file_is("/nowhere/at/all"));
    ck_assert(!core_file_is(core_directory_path(".")));
    run_command("mkfifo '%s'%s", core_directory_path("fifo"), "");
    ck_assert(!core_file_is(core_directory_path("fifo")));
    assert_refused(core_directory_path("fifo"), "not a regular file");
    assert_refused("/nowhere/at/all", "No such file");
    assert_refused(core_target("unwind_no_fp"), "is not a core file");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("core");
    tcase_add_checked_fixture(tests, core_set_up, core_tear_down);
    tcase_add_loop_test(tests, current_stacks_after_the_process_is_gone, 0, BUILDS * CORE_MAKERS);
    tcase_add_loop_test(tests, creation_stacks_of_a_watched_program, 0, CORE_MAKERS);
    tcase_add_loop_test(tests, who_took_the_signal, 0, 3);
    tcase_add_test(tests, a_live_dump_is_no_end);
    tcase_add_loop_test(tests, frames_of_a_signal_handler, 0, CORE_MAKERS);
    tcase_add_loop_test(tests, ledger_of_a_run, 0, CORE_MAKERS);
    tcase_add_loop_test(tests, shared_memory_left_out, 0, CORE_MAKERS);
    tcase_add_test(tests, elf_headers_left_out);
    tcase_add_loop_test(tests, replaced_program, 0, sizeof(replaced) / sizeof(replaced[0]));
    tcase_add_loop_test(tests, program_without_build_id, 0, 2);
    tcase_add_loop_test(tests, foreign_cores, 0, 4);
    tcase_add_test(tests, core_of_a_32bit_program);
    tcase_add_test(tests, no_cores);
    return suite_run("core", tests);
}
