/* Files of /proc: stat, status and maps of this process and of children made for the purpose. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/address_space.h"
#include "proc/file.h"
#include "proc/process.h"
#include "proc/status.h"
#include "proc/tasks.h"
#include "proc/tracer.h"
#include "suite.h"

/* A child that has stopped itself. */
static pid_t stopped_child(void (*before)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        before();
        raise(SIGSTOP);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    ck_assert(WIFSTOPPED(status));
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

START_TEST(paths_are_cut)
{
    ck_assert_str_eq(PROC_PATH("%d/task/%d", 1, 2), "/proc/1/task/2");
    ck_assert_uint_eq(strlen(PROC_PATH("%0200d", 1)), sizeof(struct proc_path) - 1);
}
END_TEST

START_TEST(small_files)
{
    char text[8];
    ck_assert_int_eq(proc_read(PROC_PATH("self/stat"), text, sizeof(text)), sizeof(text) - 1);
    ck_assert_uint_eq(strlen(text), sizeof(text) - 1);
    errno = 0;
    ck_assert_int_eq(proc_read(PROC_PATH("no-such-file"), text, sizeof(text)), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_str_eq(text, "");
    ck_assert_int_gt(proc_read_number(PROC_PATH("sys/kernel/pid_max"), -7), 0);
    ck_assert_int_eq(proc_read_number(PROC_PATH("no-such-file"), -7), -7);
}
END_TEST

START_TEST(numbers_alone_are_listed)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool found = false;
    DIR *descriptors = opendir(PROC_PATH("self/fd"));
    for (long number; (number = proc_next_number(descriptors)) >= 0;)
        found |= number == fd;
    ck_assert(found);
    closedir(descriptors);
    close(fd);
    DIR *ours = opendir(PROC_PATH("self"));
    ck_assert_int_eq(proc_next_number(ours), -1);
    closedir(ours);
}
END_TEST

START_TEST(tids_are_sorted_and_unique)
{
    struct {
        pid_t tid;
        char other;
    } items[] = {{7, 'a'}, {3, 'b'}, {7, 'a'}, {5, 'c'}, {3, 'b'}};
    size_t count = sort_tids(items, sizeof(items) / sizeof(items[0]), sizeof(items[0]));
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(items[0].tid, 3);
    ck_assert_int_eq(items[1].tid, 5);
    ck_assert_int_eq(items[2].tid, 7);
    ck_assert_int_eq(items[0].other, 'b');
    ck_assert_int_eq(items[1].other, 'c');
    ck_assert_int_eq(items[2].other, 'a');
    ck_assert_uint_eq(sort_tids(NULL, 0, sizeof(items[0])), 0);
}
END_TEST

/* ---- stat --------------------------------------------------------------------------------- */

static void odd_name(void)
{
    prctl(PR_SET_NAME, "a) S 1 (\n2");
}

START_TEST(stat_of_a_child)
{
    struct task_stat stat, task;
    pid_t pid = stopped_child(odd_name);
    ck_assert(task_stat_read(pid, 0, &stat));
    ck_assert(task_stat_read(pid, pid, &task));
    ck_assert_str_eq(stat.name, "a) S 1 (\n2");
    ck_assert_int_eq(stat.state, 'T');
    ck_assert_int_eq(stat.parent, getpid());
    ck_assert_uint_eq(stat.start_ticks, task.start_ticks);
    ck_assert_int_eq(task.state, 'T');
    struct task_stat ours;
    ck_assert(task_stat_read(getpid(), 0, &ours));
    ck_assert_uint_ge(stat.start_ticks, ours.start_ticks);
    ck_assert_uint_gt(ours.start_ticks, 0);
    end(pid);
    ck_assert(!task_stat_read(pid, 0, &stat));
    ck_assert_int_eq(stat.state, 0);
    ck_assert_int_eq(stat.processor, -1);
}
END_TEST

static void use_last_processor(void)
{
    cpu_set_t allowed, one;
    int last = CPU_SETSIZE;
    sched_getaffinity(0, sizeof(allowed), &allowed);
    while (!CPU_ISSET(--last, &allowed))
        ;
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    sched_setaffinity(0, sizeof(one), &one);
}

START_TEST(stat_knows_the_processor)
{
    struct task_stat stat;
    cpu_set_t set;
    pid_t pid = stopped_child(use_last_processor);
    ck_assert_int_eq(sched_getaffinity(pid, sizeof(set), &set), 0);
    ck_assert(task_stat_read(pid, pid, &stat));
    ck_assert(CPU_ISSET(stat.processor, &set));
    end(pid);
}
END_TEST

START_TEST(states_that_are_the_end)
{
    for (const char *state = "ZXx"; *state; state++)
        ck_assert(task_state_is_end(*state));
    ck_assert(task_state_is_end(0));
    for (const char *state = "RSDTtI"; *state; state++)
        ck_assert(!task_state_is_end(*state));
}
END_TEST

/* ---- status ------------------------------------------------------------------------------- */

static void ignore(int number)
{
    (void)number;
}

static void catch_and_block(void)
{
    sigset_t set;
    signal(SIGUSR1, ignore);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

START_TEST(status_of_a_child)
{
    struct task_status status;
    pid_t pid = stopped_child(catch_and_block);
    ck_assert(task_status_read(pid, pid, &status));
    ck_assert_int_eq(status.state, 'T');
    ck_assert_int_eq(status.own_pid, pid);
    ck_assert_int_eq(status.own_tid, pid);
    ck_assert_int_eq(status.tracer, 0);
    ck_assert_int_eq(status.user, getuid());
    ck_assert_int_eq(status.threads, 1);
    ck_assert_int_eq(status.seccomp, prctl(PR_GET_SECCOMP));
    ck_assert(status.has_memory);
    ck_assert(status.caught & 1ull << (SIGUSR1 - 1));
    ck_assert(!(status.caught & 1ull << (SIGUSR2 - 1)));
    ck_assert(status.blocked & 1ull << (SIGUSR2 - 1));
    ck_assert(!(status.blocked & 1ull << (SIGUSR1 - 1)));
    end(pid);
    ck_assert(!task_status_read(pid, pid, &status));
    ck_assert_int_eq(status.state, 0);
    ck_assert_int_eq(status.own_pid, pid);
    ck_assert_int_eq(status.user, -1);
    ck_assert(!status.has_memory);
    ck_assert_uint_eq(status.blocked, UINT64_MAX);
}
END_TEST

static void be_traced(void)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

START_TEST(status_knows_the_tracer)
{
    struct task_status status;
    char ours[16], name[16];
    pid_t pid = stopped_child(be_traced);
    ck_assert(task_status_read(pid, 0, &status));
    ck_assert_int_eq(status.tracer, getpid());
    prctl(PR_GET_NAME, ours);
    tracer_name(status.tracer, name, sizeof(name));
    ck_assert_str_eq(name, ours);
    ck_assert(!tracer_is_ours(status.tracer));
    end(pid);
    tracer_name(pid, name, sizeof(name));
    ck_assert_str_eq(name, "?");
}
END_TEST

START_TEST(a_zombie_has_no_memory)
{
    struct task_status status;
    siginfo_t info;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    ck_assert(task_status_read(pid, 0, &status));
    ck_assert(!status.has_memory);
    ck_assert_int_eq(status.state, 'Z');
    waitpid(pid, NULL, 0);
}
END_TEST

/* In namespaces of its own it is process 1. */
static void start_namespace(void)
{
    if (unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET) != 0)
        _exit(77);
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
    }
}

/* Which is in a namespace: the child of that process.  0: there is none yet. */
static pid_t only_child(pid_t parent)
{
    pid_t child = 0;
    DIR *processes = opendir("/proc");
    for (long pid; !child && (pid = proc_next_number(processes)) >= 0;)
        if (process_parent((pid_t)pid) == parent)
            child = (pid_t)pid;
    closedir(processes);
    return child;
}

START_TEST(namespaces)
{
    struct task_status status;
    int how;
    ck_assert(process_shares_namespace(getpid(), "net"));
    ck_assert(process_shares_namespace(getpid(), "no-such-kind"));
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        start_namespace();
        raise(SIGSTOP);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &how, WUNTRACED), pid);
    if (WIFEXITED(how)) {
        skip("no namespaces may be made here");
        return;
    }
    pid_t inner = only_child(pid);
    ck_assert_int_gt(inner, 0);
    ck_assert(task_status_read(inner, inner, &status));
    ck_assert_int_eq(status.own_pid, 1);
    ck_assert_int_eq(status.own_tid, 1);
    ck_assert(!process_shares_namespace(inner, "net"));
    kill(inner, SIGKILL);
    end(pid);
}
END_TEST

/* ---- address space ------------------------------------------------------------------------- */

START_TEST(a_mapped_file_without_a_name)
{
    char path[] = "/tmp/check_proc.XXXXXX";
    struct stat status, other;
    struct address_space space;
    pid_t task;
    int fd = mkstemp(path);
    ck_assert_int_eq(ftruncate(fd, 8192), 0);
    char *at = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(at, MAP_FAILED);
    unlink(path);
    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert_int_eq(stat("/proc/self/exe", &other), 0);
    ck_assert(address_space_of_process(&space, getpid(), &task));
    ck_assert_int_eq(task, getpid());
    const struct region *region = address_space_find(&space, (uint64_t)(uintptr_t)at + 5000);
    ck_assert_ptr_nonnull(region);
    ck_assert_uint_eq(region->start, (uint64_t)(uintptr_t)at);
    ck_assert(region->shared && region->deleted && region->readable && !region->writable);
    ck_assert_str_eq(region->path, path);
    ck_assert(region_is_of_file(region, &status));
    ck_assert(!region_is_of_file(region, &other));
    const struct region *ours = address_space_find(&space, (uint64_t)(uintptr_t)stopped_child);
    ck_assert(ours && ours->executable && !ours->shared && region_is_of_file(ours, &other));
    address_space_release(&space);
    munmap(at, 8192);
    close(fd);
}
END_TEST

static bool same_region(const struct region *a, const struct region *b)
{
    return a->start == b->start && a->end == b->end && a->offset == b->offset && a->inode == b->inode &&
           a->major == b->major && a->minor == b->minor && a->readable == b->readable &&
           a->writable == b->writable && a->executable == b->executable && a->shared == b->shared &&
           a->deleted == b->deleted && strcmp(a->path, b->path) == 0;
}

/* Each file in the whole list is in the other one, which is as far as possible only of files. */
static void demand_same_files(pid_t pid)
{
    struct address_space all, files;
    pid_t task;
    size_t found = 0;
    ck_assert(address_space_of_files(&files, pid, &task));
    ck_assert_int_eq(task, pid);
    ck_assert(address_space_of_process(&all, pid, &task));
    for (size_t i = 0; i < all.count; i++) {
        const struct region *file = address_space_find(&files, all.regions[i].start);
        if (!all.regions[i].inode)
            continue;
        ck_assert_msg(file && same_region(file, &all.regions[i]), "%s", all.regions[i].path);
        found++;
    }
    ck_assert_uint_gt(found, 4);
    ck_assert(files.count == found || files.count == all.count);
    address_space_release(&all);
    address_space_release(&files);
}

static void map_odd_files(void)
{
    char path[] = "/tmp/check\nproc (deleted)XXXXXX";
    int named = mkstemp(path), nameless = memfd_create("two words", 0);
    if (ftruncate(named, 4096) != 0 || ftruncate(nameless, 4096) != 0 ||
        mmap(NULL, 4096, PROT_READ, MAP_SHARED, named, 0) == MAP_FAILED ||
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, nameless, 0) == MAP_FAILED ||
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        _exit(1);
    unlink(path);
}

START_TEST(files_are_read_alone)
{
    pid_t pid = stopped_child(map_odd_files);
    demand_same_files(pid);
    end(pid);
}
END_TEST

/* As a kernel before 6.11. */
static void refuse_ioctl(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof(code) / sizeof(*code), code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        _exit(77);
}

START_TEST(files_of_older_kernels)
{
    pid_t pid = stopped_child(map_odd_files);
    int status;
    pid_t reader = fork();
    if (reader == 0) {
        refuse_ioctl();
        demand_same_files(pid);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(reader, &status, 0), reader);
    end(pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip("no seccomp filter can be set here");
    else
        ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(what_has_no_address_space)
{
    struct address_space space;
    siginfo_t info;
    pid_t task, pid = fork();
    if (pid == 0)
        _exit(0);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    ck_assert(address_space_of_process(&space, pid, &task)); /* a zombie */
    ck_assert_uint_eq(space.count, 0);
    address_space_release(&space);
    waitpid(pid, NULL, 0);
    errno = 0;
    ck_assert(!address_space_of_process(&space, pid, &task));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert(!address_space_of_process(&space, -1, &task));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("proc");
    tcase_add_test(tests, paths_are_cut);
    tcase_add_test(tests, small_files);
    tcase_add_test(tests, numbers_alone_are_listed);
    tcase_add_test(tests, tids_are_sorted_and_unique);
    tcase_add_test(tests, stat_of_a_child);
    tcase_add_test(tests, stat_knows_the_processor);
    tcase_add_test(tests, states_that_are_the_end);
    tcase_add_test(tests, status_of_a_child);
    tcase_add_test(tests, status_knows_the_tracer);
    tcase_add_test(tests, a_zombie_has_no_memory);
    tcase_add_test(tests, namespaces);
    tcase_add_test(tests, a_mapped_file_without_a_name);
    tcase_add_test(tests, files_are_read_alone);
    tcase_add_test(tests, files_of_older_kernels);
    tcase_add_test(tests, what_has_no_address_space);
    return suite_run("proc", tests);
}
