/* The dump signal comes on a small alternate stack. The page below it is not readable. */
#include <sys/auxv.h>
#include <sys/mman.h>
#include "target.h"

#define PAGE 65536
#define LEFT 1024 /* bytes of stack that the kernel leaves for a handler */

int main(void)
{
    char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED && mprotect(memory, PAGE, PROT_NONE) == 0);
    long size = getauxval(51 /* AT_MINSIGSTKSZ */) + LEFT;
    const stack_t alternate = {.ss_sp = memory + PAGE, .ss_size = (size_t)(size < 2048 ? 2048 : size)};
    CHECK(sigaltstack(&alternate, NULL) == 0);
    start(stay, NULL);
    raise(SIGQUIT);
    _exit(5);
}
