/* The ledger of a live process: found through its mapping, and distinguished from ledgers of others. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger_fake.h"
#include "suite.h"

#define NOBODY 65534
#define ADVICE " is not watched; start it with threadleak run or LD_PRELOAD=libthreadleak.so"

static char run_file[64];
static char exe[256];
static pid_t child;

/* ---- children that hold something to find ---------------------------------------- */

static void hold(struct fake *fake, int fd)
{
    size_t size;
    const unsigned char *bytes = fake_bytes(fake, &size);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size ||
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
        _exit(9);
    close(fd);
    fake_free(fake);
}

static struct fake *make(pid_t pid)
{
    struct fake *fake = fake_new_small();
    fake_header(fake)->pid = pid;
    fake_thread(fake, &(struct fake_thread){.tid = 77, .name = "worker"});
    return fake;
}

static int ledger_memfd(void)
{
    return memfd_create(LEDGER_MEMFD_NAME, MFD_CLOEXEC);
}

static void hold_memfd(void)
{
    hold(make(getpid()), ledger_memfd());
}

static void hold_file(void)
{
    hold(make(getpid()), open(run_file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
}

static void hold_deleted_file(void)
{
    hold_file();
    unlink(run_file);
}

static void hold_inherited_too(void)
{
    hold(make(getppid()), ledger_memfd());
    hold_memfd();
    hold(make(getppid()), ledger_memfd());
}

static void hold_inherited_only(void)
{
    hold(make(getppid()), ledger_memfd());
}

static void hold_split(void)
{
    size_t size;
    struct fake *fake = make(getpid());
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
    struct fake *fake = make(getpid());
    fake_header(fake)->ready = 0;
    hold(fake, ledger_memfd());
}

static void hold_newer(void)
{
    struct fake *fake = make(getpid());
    fake_header(fake)->version = 7;
    hold(fake, ledger_memfd());
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

static void be_nobody(void)
{
    if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        _exit(9);
    prctl(PR_SET_DUMPABLE, 1);
}

static void hold_as_nobody(void)
{
    be_nobody();
    hold_memfd();
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

static void run_child(void (*prepare)(void), int ready)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prepare();
    if (write(ready, "", 1) != 1)
        _exit(9);
    for (;;)
        pause();
}

static pid_t start(void (*prepare)(void))
{
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    if (child == 0)
        run_child(prepare, ends[1]);
    close(ends[1]);
    ck_assert_msg(read(ends[0], &byte, 1) == 1, "the child did not get ready");
    close(ends[0]);
    return child;
}

static void set_up(void)
{
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    exe[n > 0 ? n : 0] = 0;
    snprintf(run_file, sizeof(run_file), "/tmp/" LEDGER_FILE_PREFIX "%d.0", (int)getpid());
    child = 0;
}

static void tear_down(void)
{
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    unlink(run_file);
}

/* ---- tests -------------------------------------------------------------------------- */

static void found(pid_t pid, pid_t own)
{
    struct ledger *ledger;
    struct ledger_slot slot;
    struct error error = {""};
    ck_assert_msg(ledger_open_process(pid, &ledger, &error) == LEDGER_OPEN_OK, "%s", error.text);
    ck_assert_int_eq(ledger_get_header(ledger)->pid, own);
    ck_assert(ledger_get_slot(ledger, 0, &slot));
    ck_assert_int_eq(slot.tid, 77);
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
    pid_t pid = start(prepare[_i]);
    found(pid, pid);
}
END_TEST

START_TEST(what_is_not_its_own_is_not_taken)
{
    static void (*const prepare[])(void) = {hold_nothing, hold_inherited_only, hold_not_ready,
                                            hold_other_file};
    unwatched(start(prepare[_i]));
}
END_TEST

START_TEST(another_version_is_said)
{
    char text[512];
    pid_t pid = start(hold_newer);
    snprintf(text, sizeof(text),
             "the ledger of process %d is of ledger version 7; this threadleak reads %u: use the threadleak "
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
    child = fork();
    if (child == 0)
        run_headless(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)child);
    for (ssize_t n = 1; n > 0;) { /* until it has left */
        int fd = open(path, O_RDONLY);
        n = read(fd, line, sizeof(line));
        close(fd);
    }
    found(child, child);
}
END_TEST

static int clone_in_namespace(void *ready)
{
    run_child(hold_memfd, *(int *)ready);
    return 0;
}

START_TEST(a_process_in_another_pid_namespace)
{
    static char stack[65536] __attribute__((aligned(16)));
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    child = clone(clone_in_namespace, stack + sizeof(stack), CLONE_NEWPID | SIGCHLD, &ends[1]);
    if (child < 0) {
        skip("no pid namespace: %s", strerror(errno));
        return;
    }
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    found(child, 1);
}
END_TEST

/* What ledger_open_process says to nobody: its status, and the text through `text`. */
static enum ledger_open_status ask_as_nobody(pid_t pid, char text[512])
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t asker = fork();
    if (asker == 0) {
        struct ledger *ledger;
        struct error error = {""};
        be_nobody();
        enum ledger_open_status result = ledger_open_process(pid, &ledger, &error);
        if (write(ends[1], error.text, sizeof(error.text)) < 0)
            _exit(9);
        _exit(result);
    }
    ck_assert_int_eq(read(ends[0], text, 512), 512);
    waitpid(asker, &status, 0);
    close(ends[0]);
    close(ends[1]);
    return (enum ledger_open_status)WEXITSTATUS(status);
}

START_TEST(permission_to_read)
{
    char text[512], expected[512];
    if (getuid() != 0) {
        skip("only root can be two users");
        return;
    }
    pid_t pid = start(hold_memfd);
    ck_assert_int_eq(ask_as_nobody(pid, text), LEDGER_OPEN_FAILED);
    snprintf(expected, sizeof(expected),
             "process %d: no permission to read it; run threadleak as its user or as root", (int)pid);
    ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
    tear_down();

    /* One's own, without the capability that map_files asks for. */
    int scope = 0;
    FILE *yama = fopen("/proc/sys/kernel/yama/ptrace_scope", "r");
    if (yama && fscanf(yama, "%d", &scope) != 1)
        scope = 0;
    if (yama)
        fclose(yama);
    if (scope) {
        skip("ptrace_scope is %d", scope);
        return;
    }
    pid = start(hold_as_nobody);
    ck_assert_msg(ask_as_nobody(pid, text) == LEDGER_OPEN_OK, "%s", text);
}
END_TEST

START_TEST(pid_1_is_not_ours)
{
    struct ledger *ledger;
    struct error error = {""};
    if (getuid() == 0) {
        skip("root may read pid 1");
        return;
    }
    ck_assert_int_eq(ledger_open_process(1, &ledger, &error), LEDGER_OPEN_FAILED);
    ck_assert_ptr_nonnull(strstr(error.text, "process 1: no permission"));
}
END_TEST

START_TEST(a_file_is_in_use_while_it_is_mapped)
{
    char other[128];
    pid_t pid = start(hold_file);
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
    child = 0;
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ledger_process");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, own_ledger_is_found, 0, 5);
    tcase_add_loop_test(tests, what_is_not_its_own_is_not_taken, 0, 4);
    tcase_add_test(tests, another_version_is_said);
    tcase_add_test(tests, no_such_process);
    tcase_add_test(tests, a_main_thread_that_left_does_not_matter);
    tcase_add_test(tests, a_process_in_another_pid_namespace);
    tcase_add_test(tests, permission_to_read);
    tcase_add_test(tests, pid_1_is_not_ours);
    tcase_add_test(tests, a_file_is_in_use_while_it_is_mapped);
    return suite_run("ledger_process", tests);
}
