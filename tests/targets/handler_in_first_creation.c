/* A signal comes while the shim makes its ledger. The handler runs on the stack of the program, and can use
 * as much of it as without the shim. */
#include <dlfcn.h>

#include <stdint.h>

#include "target.h"

static uintptr_t frame_of_main;
static int signals;
static __thread int creates;

static void use_stack(int signal)
{
    volatile char large[1 << 18];
    (void)signal;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    CHECK(here < frame_of_main && frame_of_main - here < 1 << 22);
    memset((char *)large, 1, sizeof(large));
    signals++;
}

/* The shim's calls come here, too. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (creates)
        raise(SIGUSR1);
    return (int)syscall(SYS_clock_gettime, clock, now);
}

int main(void)
{
    frame_of_main = (uintptr_t)__builtin_frame_address(0);
    CHECK(signal(SIGUSR1, use_stack) != SIG_ERR);
    creates = 1;
    pthread_t thread = start(nothing, NULL);
    creates = 0;
    CHECK(pthread_join(thread, NULL) == 0);
    printf("%s\n", signals > 0 ? "signals" : "none");
    return 0;
}
