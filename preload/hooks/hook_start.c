/* musl: main is called here, because its exit status is not known otherwise (begin.h). */
#include <features.h>

#ifndef __GLIBC__
#include <stdlib.h>

#include "preload/shim/real.h"

static int (*program_main)(int, char **, char **);

static int call_main(int argc, char **argv, char **envp)
{
    exit(program_main(argc, argv, envp));
}

EXPORT int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                             void (*fini)(void), void (*loader_fini)(void))
{
    program_main = main;
    return REAL(__libc_start_main)(call_main, argc, argv, init, fini, loader_fini);
}
#else
typedef int nothing_here;
#endif
