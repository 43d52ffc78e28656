/* Code that was generated: main calls it, it calls back.  One part keeps the frame
 * pointer, one uses the register for something else; nobody describes either. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attributes.h"

static volatile int depth, going = 1;

NOINLINE void called_back(void)
{
    puts("ready");
    fflush(stdout);
    while (going) {
        pause();
        depth++;
    }
}

/* push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret */
static const unsigned char keeps[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
/* push %rbp; mov $7,%ebp; call *%rdi; pop %rbp; ret */
static const unsigned char uses[] = {0x55, 0xbd, 7, 0, 0, 0, 0xff, 0xd7, 0x5d, 0xc3};

int main(int argc, char **argv)
{
    unsigned char *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)argc;
    if (page == MAP_FAILED)
        return 1;
    if (strstr(argv[0], "generated_no_fp"))
        memcpy(page, uses, sizeof(uses));
    else
        memcpy(page, keeps, sizeof(keeps));
    ((void (*)(void (*)(void)))page)(called_back);
    depth++;
    return 0;
}
