/*
 * A sandbox of seccomp(2) for targets.  For each system call, the first row with its name decides, and the
 * last row decides for all others:
 *
 *     ENTER_SANDBOX(ON(ptrace, SECCOMP_RET_ERRNO | EPERM), OTHERS(SECCOMP_RET_ALLOW));
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "target.h"

#define ON(call, answer) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, answer)
#define ALLOW(call) ON(call, SECCOMP_RET_ALLOW)
#define OTHERS(answer) BPF_STMT(BPF_RET | BPF_K, answer)

#define SANDBOX(...)                                                                        \
    (struct sock_filter[])                                                                  \
    {                                                                                       \
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)), __VA_ARGS__, \
    }
#define SANDBOX_PROGRAM(...)                                                            \
    (struct sock_fprog)                                                                 \
    {                                                                                   \
        sizeof(SANDBOX(__VA_ARGS__)) / sizeof(struct sock_filter), SANDBOX(__VA_ARGS__) \
    }
#define ENTER_SANDBOX(...) enter_sandbox(&SANDBOX_PROGRAM(__VA_ARGS__))

__attribute__((unused)) static void enter_sandbox(const struct sock_fprog *program)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) != 0)
        SKIP("no seccomp here");
}

#endif
