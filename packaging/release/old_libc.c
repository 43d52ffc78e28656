/*
 * What a release has in place of functions of glibc that are newer than 2.17, because the libraries that are
 * linked into it call them. Our own code calls none: src/common/compat.h.
 */
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>

#define STAT_VERSION 1 /* of x86-64 (bits/stat.h, until glibc 2.32) */
extern int __fxstat(int version, int fd, struct stat *status);
extern int __xstat(int version, const char *path, struct stat *status);
extern int __lxstat(int version, const char *path, struct stat *status);
extern int __fxstatat(int version, int directory, const char *path, struct stat *status, int flags);

int fstat(int fd, struct stat *status)
{
    return __fxstat(STAT_VERSION, fd, status);
}

int stat(const char *path, struct stat *status)
{
    return __xstat(STAT_VERSION, path, status);
}

int lstat(const char *path, struct stat *status)
{
    return __lxstat(STAT_VERSION, path, status);
}

int fstatat(int directory, const char *path, struct stat *status, int flags)
{
    return __fxstatat(STAT_VERSION, directory, path, status, flags);
}

/*
 * Until glibc 2.33, each program brings its own function that calls its constructors. The startup files of a
 * newer one bring none, and newer versions of libc call the constructors unless there is one.
 */
typedef void constructor(int argc, char **argv, char **environment);
extern constructor *__init_array_start[], *__init_array_end[];

static void construct(int argc, char **argv, char **environment)
{
    for (constructor **function = __init_array_start; function < __init_array_end; function++)
        (*function)(argc, argv, environment);
}

typedef int start_main(int (*main)(int, char **, char **), int argc, char **argv, constructor *begin,
                       void (*end)(void), void (*end_of_loader)(void), void *stack_end);
extern start_main __real___libc_start_main, __wrap___libc_start_main;

int __wrap___libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, constructor *begin,
                             void (*end)(void), void (*end_of_loader)(void), void *stack_end)
{
    return __real___libc_start_main(main, argc, argv, begin ? begin : construct, end, end_of_loader,
                                    stack_end);
}
