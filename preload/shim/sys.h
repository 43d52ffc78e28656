/*
 * System calls without libc: they do not set errno, are no cancellation points, and call no hooks. A child
 * that shares our memory can use them. They return the kernel's result: >= 0, or -errno.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_SYS_H
#define THREADLEAK_PRELOAD_SHIM_SYS_H

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/compat.h"

#define KERNEL_SIGSET_SIZE 8

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18 /* Linux 4.14 */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

static inline long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#else
#error "threadleak knows the system calls of x86_64 and aarch64"
#endif
}

/*
 * clone() of a child that runs entry(arg) on its own stack. cleared: for CLONE_CHILD_CLEARTID. Sanitizers
 * interpose libc's clone(), and it writes errno into memory that parent and child share here.
 */
#if defined(__x86_64__)
static inline long sys_clone(unsigned long flags, void *stack_top, int (*entry)(void *), void *arg,
                             _Atomic int *cleared)
{
    long *stack = (long *)((unsigned long)stack_top & ~15ul) - 2;
    long result;
    register long r10 __asm__("r10") = (long)cleared;
    stack[0] = (long)entry;
    stack[1] = (long)arg;
    __asm__ volatile("xor %%edx, %%edx\n\t"
                     "xor %%r8d, %%r8d\n\t"
                     "syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "pop %%rax\n\t"
                     "pop %%rdi\n\t"
                     "call *%%rax\n\t"
                     "mov %%eax, %%edi\n\t"
                     "mov $60, %%eax\n\t" /* exit */
                     "syscall\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "a"((long)SYS_clone), "D"(flags), "S"(stack), "r"(r10)
                     : "rcx", "rdx", "r8", "r11", "memory");
    return result;
}
#else
#define sys_clone(flags, stack_top, entry, arg, cleared) \
    clone(entry, stack_top, flags, arg, NULL, NULL, cleared)
#endif

#define SYS0(n) sys_call(SYS_##n, 0, 0, 0, 0, 0, 0)
#define SYS1(n, a) sys_call(SYS_##n, (long)(a), 0, 0, 0, 0, 0)
#define SYS2(n, a, b) sys_call(SYS_##n, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS3(n, a, b, c) sys_call(SYS_##n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS4(n, a, b, c, d) sys_call(SYS_##n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS6(n, a, b, c, d, e, f) \
    sys_call(SYS_##n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* Waits for a child that raises any signal at its end, or none. Returns its pid, or -errno. */
static inline long sys_wait(long pid, int *status)
{
    long result;
    do
        result = SYS4(wait4, pid, status, __WALL, NULL);
    while (result == -EINTR);
    return result;
}

/* Zeroed memory for objects that are too large for a small stack; NULL: out of memory. */
static inline void *sys_map(size_t size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    long at = SYS6(mmap, 0, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    return at > 0 || at <= -4096 ? (void *)at : NULL;
}

#endif
