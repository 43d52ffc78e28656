/* A handler on a small alternate stack calls _exit(), while a thread runs. */
#include <sys/mman.h>

#include "target.h"

#define STACK 65536
#define LEFT 2048 /* bytes of stack that the handler leaves; the page below them is not readable */

static char *low;

static void leave(int signal)
{
    (void)signal;
    char *unused = __builtin_alloca((char *)__builtin_frame_address(0) - low - LEFT);
    __asm__ volatile("" : : "r"(unused) : "memory");
    _exit(5);
}

int main(void)
{
    char *memory = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED && mprotect(memory, STACK, PROT_NONE) == 0);
    low = memory + STACK;
    const stack_t alternate = {.ss_sp = low, .ss_size = STACK};
    const struct sigaction action = {.sa_handler = leave, .sa_flags = SA_ONSTACK};
    CHECK(sigaltstack(&alternate, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    start(stay, NULL);
    raise(SIGUSR1);
    return 0;
}
