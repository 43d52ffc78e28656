/* Processes that cannot be stopped like others, and those that may not be. */
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshot/snapshot.h"
#include "snapshot_child.h"
#include "snapshot_taken.h"
#include "suite.h"
#include "unwind/unwind.h"

enum { NOBODY = 65534, CAP_SYS_PTRACE = 19 };

static struct error error;

static bool skips_without_root(const char *name)
{
    if (geteuid() != 0)
        printf("skip %s: needs root\n", name);
    return geteuid() != 0;
}

static _Noreturn void wait_forever(void)
{
    child_ready();
    for (;;)
        pause();
}

static void *wait_in_thread(void *arg)
{
    (void)arg;
    wait_forever();
}

/* ---- who may not ---------------------------------------------------------------------- */

/* In a process of its own, after `prepare`: the status and the one-line error. */
static void assert_refused(pid_t pid, void (*prepare)(void), const char *expected)
{
    int status;
    pid_t other = fork();
    if (other == 0) {
        struct snapshot *snapshot;
        prepare();
        enum snapshot_status got = snapshot_take(pid, NULL, &snapshot, &error);
        bool is_so = got == SNAPSHOT_REFUSED && strstr(error.text, expected) && !strchr(error.text, '\n');
        if (!is_so)
            printf("status %d: %s\n", got, error.text);
        fflush(stdout);
        _exit(is_so ? 0 : 1);
    }
    waitpid(other, &status, 0);
    ck_assert_msg(status == 0, "not refused with \"%s\"", expected);
}

static void become_nobody(void)
{
    if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
        _exit(2);
}

static void hide_as_nobody(void)
{
    become_nobody();
    prctl(PR_SET_DUMPABLE, 0);
    wait_forever();
}

START_TEST(memory_that_is_hidden)
{
    if (skips_without_root("memory_that_is_hidden"))
        return;
    pid_t pid = child_start(hide_as_nobody);
    wait_ready(1);
    assert_refused(pid, become_nobody, "PR_SET_DUMPABLE");
    child_end(pid);
}
END_TEST

static void forbid_ptrace(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(2);
}

START_TEST(a_filter_on_ptrace)
{
    if (skips_without_root("a_filter_on_ptrace"))
        return;
    pid_t pid = child_start(wait_forever);
    wait_ready(1);
    assert_refused(pid, forbid_ptrace, "seccomp");
    child_end(pid);
}
END_TEST

static void drop_the_capability(void)
{
    struct {
        uint32_t version;
        int pid;
    } header = {0x20080522, 0};
    struct {
        uint32_t effective, permitted, inheritable;
    } data[2];
    if (syscall(SYS_capget, &header, data) != 0)
        _exit(2);
    data[0].effective &= ~(1u << CAP_SYS_PTRACE);
    data[0].permitted &= ~(1u << CAP_SYS_PTRACE);
    if (syscall(SYS_capset, &header, data) != 0)
        _exit(2);
}

START_TEST(root_without_the_capability)
{
    if (skips_without_root("root_without_the_capability"))
        return;
    pid_t pid = child_start(wait_forever);
    wait_ready(1);
    assert_refused(pid, drop_the_capability, "CAP_SYS_PTRACE");
    child_end(pid);
}
END_TEST

static void hide_others(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("proc", "/proc", "proc", 0, "hidepid=2") != 0)
        _exit(2);
    become_nobody();
}

START_TEST(a_process_that_proc_hides)
{
    if (skips_without_root("a_process_that_proc_hides"))
        return;
    pid_t pid = child_start(wait_forever);
    wait_ready(1);
    assert_refused(pid, hide_others, "cannot be traced");
    child_end(pid);
}
END_TEST

static void nothing(void)
{
}

START_TEST(a_thread_of_the_kernel)
{
    char name[32] = "";
    FILE *file = fopen("/proc/2/comm", "re");
    if (file && !fgets(name, sizeof(name), file))
        name[0] = 0;
    if (file)
        fclose(file);
    if (geteuid() != 0 || strcmp(name, "kthreadd\n") != 0) {
        puts("skip a_thread_of_the_kernel: there is none in sight, or no root");
        return;
    }
    assert_refused(2, nothing, "kernel thread");
}
END_TEST

/* ---- other tracers -------------------------------------------------------------------- */

static void run_two(void)
{
    start_thread(wait_in_thread, NULL);
    wait_forever();
}

static pid_t other_thread(pid_t pid)
{
    struct snapshot *snapshot = take_snapshot(pid);
    ck_assert_uint_eq(snapshot->count, 2);
    pid_t tid = snapshot->threads[snapshot->threads[0].tid == pid].tid;
    snapshot_free(snapshot);
    return tid;
}

/* Holds one thread, and never lets it end. */
static pid_t start_tracer(pid_t tid)
{
    pid_t tracer = fork();
    if (tracer)
        return tracer;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0)
        _exit(2);
    wait_forever();
}

START_TEST(one_thread_is_somebody_elses)
{
    pid_t pid = child_start(run_two);
    wait_ready(2);
    pid_t tid = other_thread(pid), tracer = start_tracer(tid);
    wait_ready(3);
    struct snapshot *snapshot = take_snapshot(pid);
    ck_assert_uint_eq(snapshot->count, 2);
    ck_assert(!snapshot->complete);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(snapshot->threads[i].state,
                         snapshot->threads[i].tid == tid ? SNAPSHOT_TRACED : SNAPSHOT_STOPPED);
    snapshot_free(snapshot);
    child_end(tracer);
    child_end(pid);
}
END_TEST

static void run_exec_later(void)
{
    start_thread(wait_in_thread, NULL);
    child_ready();
    while (!atomic_load(&shared->release))
        usleep(1000);
    execl("/bin/sleep", "sleep", "1000", (char *)NULL);
}

/* PTRACE_SEIZE waits for the execve, which waits for a thread that never ends. */
START_TEST(an_execve_that_does_not_come_to_an_end)
{
    struct snapshot *snapshot;
    pid_t pid = child_start(run_exec_later);
    wait_ready(2);
    pid_t tracer = start_tracer(other_thread(pid));
    wait_ready(3);
    atomic_store(&shared->release, 1);
    while (count_states(pid, "Z") != 1)
        usleep(200);
    double before = now_s();
    enum snapshot_status status = snapshot_take(pid, NULL, &snapshot, &error);
    ck_assert_msg(status != SNAPSHOT_OK && status != SNAPSHOT_GONE, "%d: %s", status, error.text);
    ck_assert(now_s() - before < 20);
    child_end(tracer);
    ck_assert(wait_for_states(pid, "S"));
    while (count_states(pid, "S") != 1)
        usleep(200);
    snapshot = take_snapshot(pid);
    ck_assert_uint_eq(snapshot->count, 1);
    snapshot_free(snapshot);
    child_end(pid);
}
END_TEST

/* ---- other kinds of processes --------------------------------------------------------------- */

/* pause() for ever, as a whole ELF file of i386. */
static const unsigned char program_32bit[] = {
    0x7f, 'E',  'L',  'F', 1,    1,  1,    0, 0, 0,    0,    0,    0,    0,
    0,    0,    2,    0,   3,    0,  1,    0, 0, 0,    0x54, 0x80, 4,    8, /* entry */
    0x34, 0,    0,    0,   0,    0,  0,    0, 0, 0,    0,    0,    0x34, 0,
    0x20, 0,    1,    0,   0,    0,  0,    0, 0, 0, /* header */
    1,    0,    0,    0,   0,    0,  0,    0, 0, 0x80, 4,    8,    0,    0x80,
    4,    8,    0x60, 0,   0,    0,  0x60, 0, 0, 0,    5,    0,    0,    0,
    0,    0x10, 0,    0,   0xb8, 29, 0,    0, 0, 0xcd, 0x80, 0xeb, 0xf7, /* mov $29,%eax; int $0x80; jmp */
    0,    0,    0,
};

static void run_32bit(void)
{
    int fd = memfd_create("program", MFD_CLOEXEC);
    char *const none[] = {NULL};
    if (write(fd, program_32bit, sizeof(program_32bit)) == sizeof(program_32bit))
        fexecve(fd, none, none);
    _exit(errno == ENOEXEC ? 77 : 1);
}

START_TEST(a_program_of_32_bits)
{
    int status;
    pid_t pid = child_start(run_32bit);
    char name[32] = "";
    for (double end = now_s() + PATIENCE_S; strcmp(name, "S 0 0\n") != 0 && now_s() < end; usleep(500)) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            printf("skip a_program_of_32_bits: status %#x\n", (unsigned)status);
            return;
        }
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
        char exe[64] = "";
        if (readlink(path, exe, sizeof(exe) - 1) > 0 && strstr(exe, "memfd:program") &&
            wait_for_states(pid, "S"))
            break;
    }
    struct snapshot *snapshot = take_snapshot(pid);
    ck_assert_uint_eq(snapshot->count, 1);
    ck_assert_int_eq(snapshot->threads[0].state, SNAPSHOT_FOREIGN);
    ck_assert_ptr_nonnull(strstr(snapshot_state_text(SNAPSHOT_FOREIGN), "architecture"));
    ck_assert(!snapshot->complete);
    struct unwinder *unwinder = unwinder_new(snapshot, &error);
    ck_assert_ptr_null(unwind_thread(unwinder, 0));
    unwinder_free(unwinder);
    snapshot_free(snapshot);
    child_end(pid);
}
END_TEST

static void run_in_namespace(void)
{
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0)
        _exit(2);
    pid_t first = fork();
    if (first == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run_two();
    }
    atomic_store(&shared->extra, first);
    for (;;)
        pause();
}

/* The first process of a namespace, which signals do not end. */
START_TEST(a_process_in_another_namespace)
{
    if (skips_without_root("a_process_in_another_namespace"))
        return;
    pid_t pid = child_start(run_in_namespace);
    wait_ready(2);
    while (!atomic_load(&shared->extra))
        usleep(200);
    struct snapshot *snapshot = take_snapshot(atomic_load(&shared->extra));
    ck_assert(snapshot->complete);
    ck_assert_uint_eq(snapshot->count, 2);
    struct unwinder *unwinder = unwinder_new(snapshot, &error);
    for (size_t i = 0; i < 2; i++)
        ck_assert_ptr_null(unwind_thread(unwinder, i)->incomplete);
    unwinder_free(unwinder);
    snapshot_free(snapshot);
    child_end(pid);
}
END_TEST

static void *leave_later(void *arg)
{
    (void)arg;
    wait_forever();
}

static void run_leaving(void)
{
    start_thread(leave_later, NULL);
    child_ready();
    while (!atomic_load(&shared->release))
        usleep(1000);
    pthread_exit(NULL);
}

START_TEST(memory_is_read_when_the_main_thread_has_left)
{
    char byte;
    uint64_t address = (uint64_t)(uintptr_t)&error;
    pid_t pid = child_start(run_leaving);
    wait_ready(2);
    struct snapshot *snapshot = take_snapshot(pid);
    ck_assert_int_eq(snapshot_living_task(snapshot), pid);
    atomic_store(&shared->release, 1);
    while (count_states(pid, "Z") != 1)
        usleep(200);
    ck_assert(snapshot_read_live(snapshot, address, &byte, 1));
    ck_assert_int_ne(snapshot_living_task(snapshot), pid);
    child_end(pid);
    ck_assert(!snapshot_read_live(snapshot, address, &byte, 1));
    snapshot_free(snapshot);
}
END_TEST

/* ---- stacks ---------------------------------------------------------------------------------- */

#if defined(__x86_64__)
static long distance; /* of sp from the stack's lowest byte, above a guard page */

static void run_at_the_edge(void)
{
    char *pages = mmap(NULL, 12288, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages + 4096, 8192, PROT_READ | PROT_WRITE);
    shared->result[0] = 0;
    child_ready();
    __asm__ volatile("mov %0, %%rsp\n1: mov $34, %%eax\nsyscall\njmp 1b"
                     :
                     : "r"(pages + 4096 + distance)
                     : "rax");
}

/* Memory below sp is copied if it is mapped; sp may be in the guard page itself. */
START_TEST(sp_at_a_guard_page)
{
    static const long distances[] = {0, 64, 128, 200, -8};
    distance = distances[_i];
    pid_t pid = child_start(run_at_the_edge);
    wait_ready(1);
    ck_assert(wait_for_states(pid, "S"));
    struct snapshot *snapshot = take_snapshot(pid);
    const struct snapshot_thread *thread = &snapshot->threads[0];
    ck_assert_int_eq(thread->syscall_nr, SYS_pause);
    if (distance < 0) {
        ck_assert_uint_eq(thread->stack.size, 0);
    } else {
        uint64_t below = distance < 128 ? (uint64_t)distance : 128;
        ck_assert_uint_eq(thread->stack.start, thread->sp - below);
        ck_assert_uint_eq(thread->stack.size, 8192 - (uint64_t)distance + below);
    }
    struct unwinder *unwinder = unwinder_new(snapshot, &error);
    ck_assert_ptr_nonnull(unwind_thread(unwinder, 0));
    unwinder_free(unwinder);
    snapshot_free(snapshot);
    child_end(pid);
}
END_TEST
#endif

enum { DEEP_THREADS = 2000, DEEP_BYTES = 100 * 1024 };

static _Noreturn void *stay_deep(void *arg)
{
    char space[DEEP_BYTES];
    (void)arg;
    __asm__ volatile("" : : "r"(space) : "memory");
    wait_forever();
}

static void run_deep(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 2 * DEEP_BYTES);
    for (int i = 0; i < DEEP_THREADS; i++)
        if (pthread_create(&thread, &attr, stay_deep, NULL) != 0)
            _exit(1);
    wait_forever();
}

/* All want more than their share of the first copy, and more than that of an equal second. */
START_TEST(many_deep_stacks)
{
    pid_t pid = child_start(run_deep);
    wait_ready(DEEP_THREADS + 1);
    struct snapshot *snapshot = take_snapshot(pid);
    struct unwinder *unwinder = unwinder_new(snapshot, &error);
    ck_assert_ptr_nonnull(unwinder);
    size_t complete = 0;
    for (size_t i = 0; i < snapshot->count; i++)
        complete += !unwind_thread(unwinder, i)->incomplete;
    printf("%d deep threads stopped for %.1f ms in all\n", DEEP_THREADS, (double)snapshot->stopped_ns / 1e6);
    ck_assert_uint_eq(complete, DEEP_THREADS + 1);
    unwinder_free(unwinder);
    snapshot_free(snapshot);
    child_end(pid);
}
END_TEST

/* ---- nothing is left ---------------------------------------------------------------------------- */

static int count_entries(const char *path)
{
    int count = 0;
    DIR *directory = opendir(path);
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static long resident_kb(void)
{
    long kb = -1;
    char line[128];
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "VmRSS: %ld", &kb) == 1)
            break;
    if (file)
        fclose(file);
    return kb;
}

START_TEST(nothing_is_left_behind)
{
    pid_t pid = child_start(run_two);
    wait_ready(2);
    int files = 0, threads = 0;
    long resident = 0;
    for (int i = 0; i < 300; i++) {
        struct snapshot *snapshot = take_snapshot(pid);
        struct unwinder *unwinder = unwinder_new(snapshot, &error);
        ck_assert_ptr_nonnull(unwinder);
        /* One for the directory, which is open while it is read. */
        ck_assert_int_lt(count_entries("/proc/self/fd"), files ? files + 1 : 100);
        unwinder_free(unwinder);
        snapshot_free(snapshot);
        snapshot_take(99999999, NULL, &snapshot, &error);
        if (i == 50) {
            files = count_entries("/proc/self/fd");
            threads = count_entries("/proc/self/task");
            resident = resident_kb();
        }
    }
    ck_assert_int_eq(count_entries("/proc/self/fd"), files);
    ck_assert_int_eq(count_entries("/proc/self/task"), threads);
#if defined(__SANITIZE_ADDRESS__)
    resident += 300000; /* keeps what is freed for a while, and finds leaks by itself */
#endif
    ck_assert_int_lt(resident_kb(), resident + 20000);
    child_end(pid);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("odd");
    tcase_add_test(tests, memory_that_is_hidden);
    tcase_add_test(tests, a_filter_on_ptrace);
    tcase_add_test(tests, root_without_the_capability);
    tcase_add_test(tests, a_process_that_proc_hides);
    tcase_add_test(tests, a_thread_of_the_kernel);
    tcase_add_test(tests, one_thread_is_somebody_elses);
    tcase_add_test(tests, an_execve_that_does_not_come_to_an_end);
    tcase_add_test(tests, a_program_of_32_bits);
    tcase_add_test(tests, a_process_in_another_namespace);
    tcase_add_test(tests, memory_is_read_when_the_main_thread_has_left);
#if defined(__x86_64__)
    tcase_add_loop_test(tests, sp_at_a_guard_page, 0, 5);
#endif
    tcase_add_test(tests, many_deep_stacks);
    tcase_add_test(tests, nothing_is_left_behind);
    return suite_run("snapshot_odd", tests);
}
