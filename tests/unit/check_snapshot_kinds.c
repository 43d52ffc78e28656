/* Kinds of processes: of another architecture, in another namespace, without a main thread. */
#include <errno.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshot/snapshot.h"
#include "snapshot_child.h"
#include "snapshot_taken.h"
#include "suite.h"
#include "unwind/unwind.h"

static struct error error;

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

static void run_leaving(void)
{
    start_thread(wait_in_thread, NULL);
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

/* A polling ring has a thread of the kernel in the process. */
static void run_with_kernel_thread(void)
{
    struct io_uring_params params = {.flags = IORING_SETUP_SQPOLL};
    atomic_store(&shared->extra, syscall(SYS_io_uring_setup, 4, &params) < 0);
    wait_forever();
}

START_TEST(a_thread_of_the_kernel_has_no_frames)
{
    pid_t pid = child_start(run_with_kernel_thread);
    wait_ready(1);
    if (atomic_load(&shared->extra)) {
        puts("skip a_thread_of_the_kernel_has_no_frames: no io_uring here");
        child_end(pid);
        return;
    }
    for (int i = 0; i < 20; i++) {
        struct snapshot *snapshot = take_snapshot(pid);
        ck_assert(snapshot->complete);
        ck_assert_uint_eq(snapshot->count, 2);
        for (size_t j = 0; j < 2; j++)
            ck_assert_int_eq(snapshot->threads[j].state,
                             snapshot->threads[j].tid == pid ? SNAPSHOT_STOPPED : SNAPSHOT_KERNEL);
        snapshot_free(snapshot);
    }
    child_end(pid);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("kinds");
    tcase_add_test(tests, a_program_of_32_bits);
    tcase_add_test(tests, a_process_in_another_namespace);
    tcase_add_test(tests, memory_is_read_when_the_main_thread_has_left);
    tcase_add_test(tests, a_thread_of_the_kernel_has_no_frames);
    return suite_run("snapshot_kinds", tests);
}
