#include "cli/common/own_stack.h"

#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { GUARD_SIZE = 65536 }; /* at least a page of any machine */

static struct {
    int (*main)(int argc, char **argv);
    int argc;
    char **argv;
    int status;
    ucontext_t here, there;
} call;

static void enter(void)
{
    call.status = call.main(call.argc, call.argv);
}

/* AddressSanitizer does not support the switch, and prints so. clang has only __has_feature. */
#ifdef __has_feature
#define HAS_ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#else
#define HAS_ASAN 0
#endif

int run_on_own_stack(int (*main)(int argc, char **argv), int argc, char **argv)
{
    if (HAS_ASAN)
        return main(argc, argv);
    size_t size = OWN_STACK_SIZE + GUARD_SIZE;
    char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED || mprotect(stack, GUARD_SIZE, PROT_NONE) != 0 || getcontext(&call.there) != 0)
        return main(argc, argv);
    call.main = main;
    call.argc = argc;
    call.argv = argv;
    call.there.uc_stack = (stack_t){.ss_sp = stack + GUARD_SIZE, .ss_size = OWN_STACK_SIZE};
    call.there.uc_link = &call.here;
    makecontext(&call.there, enter, 0);
    /* Both contexts have the current signal mask. The program ends before swapcontext() would set it again,
     * so a mask that the command sets stays. */
    return swapcontext(&call.here, &call.there) == 0 ? call.status : main(argc, argv);
}
