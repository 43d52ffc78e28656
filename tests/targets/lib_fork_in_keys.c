/* Preloaded after the shim: the process forks while the shim takes thread-specific keys. The child prints a
 * line if it does not get the lowest one. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int make_key(pthread_key_t *, void (*)(void *));

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    static int calls;
    make_key *real = (make_key *)dlsym(RTLD_NEXT, "pthread_key_create");
    if (++calls != 10)
        return real(key, destructor);
    pid_t child = fork();
    if (child == 0) {
        if (real(key, NULL) != 0 || *key != 0)
            dprintf(2, "the child gets key %u\n", *key);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return real(key, destructor);
}
