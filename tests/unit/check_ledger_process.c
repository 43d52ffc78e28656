/* The ledger of a live process: found through its mapping, and distinguished from ledgers of others. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger_child.h"
#include "suite.h"

#define ADVICE " is not watched; start it with threadleak run or LD_PRELOAD=libthreadleak.so"

static char exe[256];

static void set_up(void)
{
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    exe[n > 0 ? n : 0] = 0;
    ledger_child_set_up();
}

static void hold_deleted_file(void)
{
    hold_file();
    unlink(run_file);
}

static void hold_inherited_too(void)
{
    hold_ledger(ledger_child_make(getppid()), ledger_memfd());
    hold_memfd();
    hold_ledger(ledger_child_make(getppid()), ledger_memfd());
}

static void hold_inherited_only(void)
{
    hold_ledger(ledger_child_make(getppid()), ledger_memfd());
}

static void hold_split(void)
{
    size_t size;
    struct fake *fake = ledger_child_make(getpid());
    int fd = ledger_memfd();
    const unsigned char *bytes = fake_bytes(fake, &size);
    if (write(fd, bytes, size) != (ssize_t)size)
        _exit(9);
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED || mprotect(map + 8192, 4096, PROT_READ) != 0)
        _exit(9);
}

static void hold_not_ready(void)
{
    struct fake *fake = ledger_child_make(getpid());
    fake_header(fake)->ready = 0;
    hold_ledger(fake, ledger_memfd());
}

static void hold_newer(void)
{
    struct fake *fake = ledger_child_make(getpid());
    fake_header(fake)->version = LEDGER_VERSION + 1;
    hold_ledger(fake, ledger_memfd());
}

static void hold_other_file(void)
{
    static const char text[4096] = "someone's accounts";
    int fd = open(run_file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (write(fd, text, sizeof(text)) != (ssize_t)sizeof(text) ||
        mmap(NULL, sizeof(text), PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
        _exit(9);
}

static void hold_nothing(void)
{
}

static void *wait_on(void *arg)
{
    while (syscall(SYS_getpid) != syscall(SYS_gettid)) {
        if (arg && write(*(int *)arg, "", 1) == 1)
            arg = NULL;
        pause();
    }
    return NULL;
}

static void found(pid_t pid, pid_t own)
{
    struct ledger *ledger;
    struct ledger_slot slot;
    struct error error = {""};
    ck_assert_msg(ledger_open_process(pid, &ledger, &error) == LEDGER_OPEN_OK, "%s", error.text);
    ck_assert_int_eq(ledger_get_header(ledger)->pid, own);
    ck_assert(ledger_get_slot(ledger, 0, &slot));
    ck_assert_int_eq(slot.tid, pid == own ? 77 : 0); /* in another pid namespace, no thread has that number */
    ck_assert(ledger_has_tids_here(ledger, pid));
    ledger_close(ledger);
}

static void not_found(pid_t pid, enum ledger_open_status expected, const char *text)
{
    struct ledger *ledger = (struct ledger *)exe;
    struct error error = {""};
    ck_assert_int_eq(ledger_open_process(pid, &ledger, &error), expected);
    ck_assert_ptr_null(ledger);
    ck_assert_str_eq(error.text, text);
}

static void unwatched(pid_t pid)
{
    char text[512];
    snprintf(text, sizeof(text), "process %d (%s)" ADVICE, (int)pid, exe);
    not_found(pid, LEDGER_OPEN_NOT_WATCHED, text);
}

START_TEST(own_ledger_is_found)
{
    static void (*const prepare[])(void) = {hold_memfd, hold_file, hold_deleted_file, hold_inherited_too,
                                            hold_split};
    pid_t pid = ledger_child_start(prepare[_i]);
    found(pid, pid);
}
END_TEST

START_TEST(what_is_not_its_own_is_not_taken)
{
    static void (*const prepare[])(void) = {hold_nothing, hold_inherited_only, hold_not_ready,
                                            hold_other_file};
    unwatched(ledger_child_start(prepare[_i]));
}
END_TEST

START_TEST(another_version_is_said)
{
    char text[512];
    pid_t pid = ledger_child_start(hold_newer);
    snprintf(text, sizeof(text),
             "the ledger of process %d is of ledger version 9; this threadleak reads %u: use the threadleak "
             "that wrote it",
             (int)pid, LEDGER_VERSION);
    not_found(pid, LEDGER_OPEN_FAILED, text);
}
END_TEST

START_TEST(no_such_process)
{
    char text[512];
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    snprintf(text, sizeof(text), "process %d has no memory: it has ended, or is a kernel thread", (int)pid);
    not_found(pid, LEDGER_OPEN_FAILED, text);
    waitpid(pid, NULL, 0);
    snprintf(text, sizeof(text), "no process %d", (int)pid);
    not_found(pid, LEDGER_OPEN_FAILED, text);
    not_found(0, LEDGER_OPEN_FAILED, "no process 0");
    not_found(-1, LEDGER_OPEN_FAILED, "no process -1");
}
END_TEST

/* A main thread that is gone has no /proc/PID/maps to speak of. */
static void run_headless(int ready)
{
    pthread_t thread;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    hold_memfd();
    if (pthread_create(&thread, NULL, wait_on, &ready) != 0)
        _exit(9);
    syscall(SYS_exit, 0);
}

START_TEST(a_main_thread_that_left_does_not_matter)
{
    int ends[2];
    char byte, line[64] = "", path[64];
    ck_assert_int_eq(pipe(ends), 0);
    ledger_child = fork();
    if (ledger_child == 0)
        run_headless(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)ledger_child);
    for (ssize_t n = 1; n > 0;) { /* until it has left */
        int fd = open(path, O_RDONLY);
        n = read(fd, line, sizeof(line));
        close(fd);
    }
    found(ledger_child, ledger_child);
}
END_TEST

static int clone_in_namespace(void *ready)
{
    ledger_child_run(hold_memfd, *(int *)ready);
    return 0;
}

START_TEST(a_process_in_another_pid_namespace)
{
    static char stack[65536] __attribute__((aligned(16)));
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    ledger_child = clone(clone_in_namespace, stack + sizeof(stack), CLONE_NEWPID | SIGCHLD, &ends[1]);
    if (ledger_child < 0) {
        skip("no pid namespace: %s", strerror(errno));
        return;
    }
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    found(ledger_child, 1);
}
END_TEST

START_TEST(a_file_is_in_use_while_it_is_mapped)
{
    char other[128];
    pid_t pid = ledger_child_start(hold_file);
    ck_assert(ledger_file_in_use(run_file, pid));
    ck_assert(!ledger_file_in_use(run_file, getpid()));
    ck_assert(!ledger_file_in_use("/no/such", pid));
    ck_assert(!ledger_file_in_use(run_file, 0));
    /* Another file of that name is not that file. */
    snprintf(other, sizeof(other), "%s.moved", run_file);
    ck_assert_int_eq(rename(run_file, other), 0);
    ck_assert(ledger_file_in_use(other, pid));
    fclose(fopen(run_file, "w"));
    ck_assert(!ledger_file_in_use(run_file, pid));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ck_assert(!ledger_file_in_use(other, pid));
    unlink(other);
    ledger_child = 0;
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ledger_process");
    tcase_add_checked_fixture(tests, set_up, ledger_child_tear_down);
    tcase_add_loop_test(tests, own_ledger_is_found, 0, 5);
    tcase_add_loop_test(tests, what_is_not_its_own_is_not_taken, 0, 4);
    tcase_add_test(tests, another_version_is_said);
    tcase_add_test(tests, no_such_process);
    tcase_add_test(tests, a_main_thread_that_left_does_not_matter);
    tcase_add_test(tests, a_process_in_another_pid_namespace);
    tcase_add_test(tests, a_file_is_in_use_while_it_is_mapped);
    return suite_run("ledger_process", tests);
}
