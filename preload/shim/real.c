#include "preload/shim/real.h"

#include <dlfcn.h>

struct real real;
int (*libc_sigaction)(int, const struct sigaction *, struct sigaction *);

void real_resolve(void)
{
    /* dlsym gives the default version.  glibc keeps two versions of
     * pthread_create (2.2.5 and 2.34), with one implementation. */
#define HOOK(type, name, params) *(void **)(&real.name) = dlsym(RTLD_NEXT, #name);
#include "preload/shim/hooks.def"
#undef HOOK
}
