/* Names: given by the creator, by itself, too long (refused), and inherited. */
#include <sys/prctl.h>

#include "target.h"

static void *name_self(void *arg)
{
    CHECK(pthread_setname_np(pthread_self(), "by itself") == 0);
    return stay(arg);
}

static void *name_self_by_prctl(void *arg)
{
    CHECK(prctl(PR_SET_NAME, "by prctl") == 0);
    return stay(arg);
}

int main(void)
{
    CHECK(pthread_setname_np(start(stay, NULL), "by creator") == 0);
    start(name_self, NULL);
    start(name_self_by_prctl, NULL);
    CHECK(pthread_setname_np(start(stay, NULL), "sixteen chars ..") == ERANGE);
    await_ready(4);
    return 0;
}
