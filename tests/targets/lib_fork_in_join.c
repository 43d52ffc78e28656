/* Preloaded after the shim: the process forks in its first pthread_join, as a signal handler can. The child
 * creates a thread, whose handle is the one of the joined thread, sees it end, and returns from the join,
 * too. */
#include <dlfcn.h>
#include <sys/wait.h>

#include "target.h"

typedef int join(pthread_t, void **);

int pthread_join(pthread_t thread, void **value)
{
    static int calls;
    int result = ((join *)dlsym(RTLD_NEXT, "pthread_join"))(thread, value);
    if (calls++ > 0)
        return result;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        start_and_see_finish();
    } else
        CHECK(waitpid(child, NULL, 0) == child);
    return result;
}
