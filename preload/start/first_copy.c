#include "preload/start/first_copy.h"

#include <dlfcn.h>

#include "threadleak/abi.h"

/* Where the table points to, since a program that is not position-independent can have a copy of it. */
bool is_first_copy(void)
{
    const struct threadleak_abi *first = dlsym(RTLD_DEFAULT, "threadleak_abi_1");
    Dl_info its, own;
    return !first || !dladdr((void *)first->active, &its) || !dladdr((void *)is_first_copy, &own) ||
           its.dli_fbase == own.dli_fbase;
}
