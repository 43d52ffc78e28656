/* A line of the shim goes to a standard error that nobody reads. That raises no SIGPIPE, and takes none that
 * the program has pending. */
#include <stdbool.h>

#include "target.h"

#include "threadleak.h"

static bool is_pending(void)
{
    sigset_t set;
    return sigpending(&set) == 0 && sigismember(&set, SIGPIPE);
}

int main(void)
{
    sigset_t set;
    int ends[2], output = dup(2);
    CHECK(output > 2 && pipe(ends) == 0 && close(ends[0]) == 0 && dup2(ends[1], 2) == 2);
    int refused = threadleak_set_options("no_such_option=1");
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_BLOCK, &set, NULL);
    bool raised = is_pending();
    raise(SIGPIPE);
    refused += threadleak_set_options("no_such_option=1");
    bool kept = is_pending();
    dup2(output, 2);
    CHECK(refused == -2 && !raised && kept);
    return 0;
}
