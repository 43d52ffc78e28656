/* A variable of the environment is in memory that cannot be read any more, as after dlclose() of a library
 * that has called putenv(). */
#include <sys/mman.h>

#include "target.h"

int main(void)
{
    pthread_t thread;
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    strcpy(page, "GONE=1");
    CHECK(putenv(page) == 0);
    CHECK(mprotect(page, 4096, PROT_NONE) == 0);
    CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
    await_ready(1);
    CHECK(pthread_kill(pthread_self(), SIGUSR2) == 0);
    return 0;
}
