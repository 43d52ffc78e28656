#include "preload/shim/park.h"

#include <signal.h>
#include <stdint.h>

#include "preload/shim/sys.h"

/* Without a stack: the constants of a system call in C would be in saved registers. */
_Noreturn void park_as_it_is(void)
{
    for (;;)
#ifdef __x86_64__
        __asm__ volatile("mov %0, %%eax\n\tsyscall" : : "i"(SYS_pause) : "rax", "rcx", "r11", "memory");
#else
        __asm__ volatile("mov x0, #0\n\tmov x1, #0\n\tmov x2, #0\n\tmov x3, #0\n\tmov x8, %0\n\tsvc #0"
                         :
                         : "i"(SYS_ppoll)
                         : "x0", "x1", "x2", "x3", "x8", "memory");
#endif
}

_Noreturn void park(void)
{
    uint64_t all = ~0ull;
    SYS4(rt_sigprocmask, SIG_SETMASK, &all, NULL, KERNEL_SIGSET_SIZE);
    park_as_it_is();
}
