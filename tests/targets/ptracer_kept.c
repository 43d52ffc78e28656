/*
 * A program that permits another process to trace it, and is reported on a signal. `ptracer_kept LIBRARY`
 * runs it with the library preloaded, and prints what it asks the security module Yama for. It plays Yama,
 * which a kernel can lack: each such call succeeds.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "target.h"

#define TRACER 4242 /* any number */

/* ---- the program --------------------------------------------------------------------- */

static int watched(void)
{
    pthread_t thread;
    CHECK(prctl(PR_SET_PTRACER, TRACER, 0, 0, 0) == 0);
    CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
    await_ready(1);
    CHECK(raise(SIGQUIT) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
        await_ready(1);
        CHECK(raise(SIGQUIT) == 0);
        _exit(0);
    }
    CHECK(waitpid(child, NULL, 0) == child);
    _exit(0);
}

/* ---- the kernel ---------------------------------------------------------------------- */

static char **command;
static volatile int listener = -1; /* -2: the kernel cannot do it */

static long install(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_PTRACER, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* It shares memory and descriptors with the parent until its exec. */
static int run_command(void *unused)
{
    (void)unused;
    long fd = install();
    listener = fd < 0 ? -2 : (int)fd;
    if (fd >= 0)
        execve(command[0], command, environ);
    syscall(SYS_exit_group, 127);
    return 0;
}

static void print(unsigned long tracer)
{
    if (tracer == PR_SET_PTRACER_ANY)
        puts("any");
    else
        printf("%lu\n", tracer);
}

static void serve(void)
{
    struct pollfd calls = {.fd = listener, .events = POLLIN};
    while (poll(&calls, 1, -1) >= 0 && calls.revents & POLLIN) {
        struct seccomp_notif call = {0};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
            continue;
        struct seccomp_notif_resp reply = {.id = call.id};
        print(call.data.args[1]);
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
    }
}

int main(int argc, char **argv)
{
    static char stack[65536] __attribute__((aligned(16)));
    int status;
    if (argc == 1)
        return watched();
    CHECK(setenv("LD_PRELOAD", argv[1], 1) == 0);
    command = (char *[]){argv[0], NULL};
    pid_t child = clone(run_command, stack + sizeof(stack), CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
    CHECK(child > 0);
    while (listener == -1)
        sched_yield();
    if (listener < 0)
        SKIP("this kernel has no listeners of seccomp");
    serve();
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
