/* Calls a function on another stack, since a handler can run on a small one. */
#ifndef THREADLEAK_PRELOAD_SHIM_ON_STACK_H
#define THREADLEAK_PRELOAD_SHIM_ON_STACK_H

#include <stdint.h>

static inline void on_stack(void *top, void (*function)(void *), void *arg)
{
    uintptr_t aligned = (uintptr_t)top & ~(uintptr_t)15;
#if defined(__x86_64__)
    __asm__ volatile("mov %%rsp, %%rbx\n\t"
                     "mov %[top], %%rsp\n\t"
                     "call *%[function]\n\t"
                     "mov %%rbx, %%rsp"
                     : [top] "+&r"(aligned), "+D"(arg), [function] "+&r"(function)
                     :
                     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc", "mm0",
                       "mm1", "mm2", "mm3", "mm4", "mm5", "mm6", "mm7", "st", "st(1)", "st(2)", "st(3)",
                       "st(4)", "st(5)", "st(6)", "st(7)", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
                       "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#elif defined(__aarch64__)
    register void *x0 __asm__("x0") = arg;
    register void *x9 __asm__("x9") = (void *)function;
    register uintptr_t x10 __asm__("x10") = aligned;
    __asm__ volatile("mov x19, sp\n\t"
                     "mov sp, x10\n\t"
                     "blr x9\n\t"
                     "mov sp, x19"
                     : "+r"(x0), "+r"(x9), "+r"(x10)
                     :
                     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x11", "x12", "x13", "x14", "x15",
                       "x16", "x17", "x18", "x19", "x30", "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5",
                       "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",
                       "v26", "v27", "v28", "v29", "v30", "v31");
#else
#error "no way to another stack for this machine"
#endif
}

/* Calls it on a stack of the shim. That of the caller can be small, or nearly full. Without memory for a
 * stack, and in a sandbox, it is called on the present one. Except in a sandbox, no handler of the program
 * runs meanwhile: it may need more stack, fork, or leave by a jump. Nor does that of pthread_cancel(), signal
 * 32: it would unwind a stack without end. That of setuid(), 33, does: another thread waits for it, which can
 * hold a lock of the loader. */
void on_new_stack(void (*function)(void *), void *arg);

#endif
