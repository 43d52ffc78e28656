/*
 * A thread made past every hook, by pthread_create found in libc, is shown and
 * is no leak; its handle is joined and detached through ours like any other.
 */
#include <dlfcn.h>

#include "target.h"

int main(void)
{
    pid_t ended;
    pthread_t thread;
    void *libc = dlopen("libc.so.6", RTLD_LAZY);
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
        libc ? (__typeof__(create))dlsym(libc, "pthread_create") : NULL;
    if (!create)
        SKIP("no pthread_create in libc.so.6");

    CHECK(create(&thread, NULL, finish, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(create(&thread, NULL, finish, &ended) == 0);
    CHECK(pthread_detach(thread) == 0);
    CHECK(create(&thread, NULL, stay, NULL) == 0);
    CHECK(pthread_setname_np(thread, "hidden") == 0);
    start(stay, NULL);
    await_ready(4);
    await_gone(ended);
    return 0;
}
