#include "preload/shim/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "preload/shim/next.h"
#include "preload/shim/sys.h"

struct real real_found;
int (*libc_sigaction)(int, const struct sigaction *, struct sigaction *);

/* -1 is SIG_ERR, too. */
static long fail(void)
{
    errno = ENOSYS;
    return -1;
}

static long fail_pthread(void)
{
    return ENOSYS;
}

static long fail_c11(void)
{
    return thrd_error;
}

/* pthread_cond_wait(3), cnd_wait(3): these return their error, and leave errno as it is. */
static void *failure_of(const char *name)
{
    if (strncmp(name, "pthread_", 8) == 0 || strncmp(name, "__pthread_", 10) == 0)
        return (void *)fail_pthread;
    bool c11 =
        strncmp(name, "thrd_", 5) == 0 || strncmp(name, "cnd_", 4) == 0 || strncmp(name, "tss_", 4) == 0;
    return c11 ? (void *)fail_c11 : (void *)fail;
}

/* Both give the default version.  glibc keeps two versions of pthread_create (2.2.5 and 2.34), with one
 * implementation. Threads may call it at the same time: all store the same address. dlsym is the last resort:
 * a library's constructor, during which the loader is locked, can wait for a thread of libc's that is here,
 * and the program would lose what dlerror() has for it. Before glibc 2.34, dlsym() itself calls
 * __pthread_key_create(), which is one of the hooks, while it holds a lock of its own. */
void *real_find(void **place, const char *name)
{
    void *found = next_definition(name);
    found = found ? found : dlsym(RTLD_NEXT, name);
    __atomic_store_n(place, found, __ATOMIC_RELAXED);
    return found ? found : failure_of(name);
}

int real_set_action(int number, const struct sigaction *action, struct sigaction *old)
{
    return (libc_sigaction ? libc_sigaction : REAL(sigaction))(number, action, old);
}

void real_act_as_default(int number)
{
    real_set_action(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    if (SYS3(tgkill, SYS0(getpid), SYS0(gettid), number) != 0) /* a filter refuses it */
        SYS2(kill, SYS0(getpid), number);
}

void real_resolve(void)
{
#define HOOK(type, name, params) real_look_up((void **)&real_found.name, #name);
#include "preload/shim/hooks.def"
#undef HOOK
}
