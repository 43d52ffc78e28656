/* All its threads are created without the hooks, by pthread_create found in libc.  Argument "+": it waits for
 * the end of its input; else it ends. */
#include <dlfcn.h>

#include "target.h"

int main(int argc, char **argv)
{
    char byte;
    pthread_t thread;
    void *libc = dlopen("libc.so.6", RTLD_LAZY);
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
        libc ? (__typeof__(create))dlsym(libc, "pthread_create") : NULL;
    if (!create)
        SKIP("no pthread_create in libc.so.6");
    (void)argv;
    for (int i = 0; i < 3; i++)
        CHECK(create(&thread, NULL, stay, NULL) == 0);
    await_ready(3);
    if (argc < 2)
        return 0;
    CHECK(printf("up\n") == 3 && fflush(stdout) == 0);
    CHECK(read(0, &byte, 1) == 0);
    syscall(SYS_exit_group, 0);
}
