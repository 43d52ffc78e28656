#include "preload/shim/park.h"

#include <signal.h>
#include <stdint.h>

#include "preload/shim/sys.h"

_Noreturn void park(void)
{
    uint64_t all = ~0ull;
    SYS4(rt_sigprocmask, SIG_SETMASK, &all, NULL, KERNEL_SIGSET_SIZE);
    for (;;)
        SYS6(ppoll, NULL, 0, NULL, NULL, 0, 0);
}

/* clang-format off */
#if defined(__x86_64__)
__asm__(".pushsection .text\n"
        ".globl park_without_stack\n"
        ".hidden park_without_stack\n"
        ".type park_without_stack, @function\n"
        "park_without_stack:\n"
        "1: mov $34, %eax\n" /* pause */
        "   syscall\n"
        "   jmp 1b\n"
        ".size park_without_stack, . - park_without_stack\n"
        ".popsection");
#elif defined(__aarch64__)
__asm__(".pushsection .text\n"
        ".globl park_without_stack\n"
        ".hidden park_without_stack\n"
        ".type park_without_stack, %function\n"
        "park_without_stack:\n"
        "1: mov x0, #0\n"
        "   mov x1, #0\n"
        "   mov x2, #0\n"
        "   mov x3, #0\n"
        "   mov x8, #73\n" /* ppoll */
        "   svc #0\n"
        "   b 1b\n"
        ".size park_without_stack, . - park_without_stack\n"
        ".popsection");
#endif
/* clang-format on */
