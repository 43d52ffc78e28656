/* Preloaded after the shim: calls a function of the program when a thread has got its name. */
#include <dlfcn.h>
#include <pthread.h>

void (*after_setname)(void);

typedef int set_name(pthread_t, const char *);

int pthread_setname_np(pthread_t thread, const char *name)
{
    set_name *real = (set_name *)dlsym(RTLD_NEXT, "pthread_setname_np");
    int result = real(thread, name);
    if (after_setname)
        after_setname();
    return result;
}
