/* Calls exec with addresses where nothing is, and one whose string never ends: EFAULT. */
#include <sys/mman.h>

#include "target.h"

static char *end_of_memory(void)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED && munmap(page + 4096, 4096) == 0);
    return page + 4096;
}

int main(void)
{
    char *const nowhere = (char *)8, *const end = end_of_memory();
    char *arguments[] = {"true", NULL}, *bad[] = {nowhere, NULL}, *endless[] = {end - 12, NULL};

    memcpy(end - 12, "LD_PRELOAD=x", 12);
    CHECK(execve("/bin/true", arguments, (char **)nowhere) == -1 && errno == EFAULT);
    CHECK(execve("/bin/true", arguments, bad) == -1 && errno == EFAULT);
    CHECK(execve("/bin/true", arguments, endless) == -1 && errno == EFAULT);
    CHECK(execve("/bin/true", arguments, (char **)(end - 4)) == -1 && errno == EFAULT);
    CHECK(execve(nowhere, arguments, arguments) == -1 && errno == EFAULT);
    CHECK(execv(nowhere, arguments) == -1 && errno == EFAULT);
    CHECK(execve(end - 1, arguments, arguments) == -1);
    CHECK(execve("/bin/true", bad, arguments) == -1 && errno == EFAULT);
    puts("refused by the kernel, each");
    return 0;
}
