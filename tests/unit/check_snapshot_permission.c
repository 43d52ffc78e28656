/* Who may not stop a process, and what the error then names. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshot/snapshot.h"
#include "snapshot_child.h"
#include "snapshot_taken.h"
#include "suite.h"

enum { NOBODY = 65534, CAP_SYS_PTRACE = 19 };

static struct error error;

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

static void hide_others(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("proc", "/proc", "proc", 0, "hidepid=2") != 0)
        _exit(2);
    become_nobody();
}

/* What the process does to itself, what the caller does to itself, and what the error then names. */
static const struct {
    const char *name;
    void (*process)(void), (*caller)(void);
    const char *names;
} refusals[] = {
    {"memory that is hidden", hide_as_nobody, become_nobody, "PR_SET_DUMPABLE"},
    {"a filter on ptrace", wait_forever, forbid_ptrace, "seccomp"},
    {"root without the capability", wait_forever, drop_the_capability, "CAP_SYS_PTRACE"},
    {"a process that /proc hides", wait_forever, hide_others, "cannot be traced"},
};

START_TEST(the_error_names_the_reason)
{
    if (skips_without_root(refusals[_i].name))
        return;
    pid_t pid = child_start(refusals[_i].process);
    wait_ready(1);
    assert_refused(pid, refusals[_i].caller, refusals[_i].names);
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

int main(void)
{
    TCase *tests = tcase_create("permission");
    tcase_add_loop_test(tests, the_error_names_the_reason, 0, sizeof(refusals) / sizeof(*refusals));
    tcase_add_test(tests, a_thread_of_the_kernel);
    return suite_run("snapshot_permission", tests);
}
