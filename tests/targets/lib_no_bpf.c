/* Preloaded: the kernel has no bpf(2), as without CONFIG_BPF_SYSCALL. */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>

long syscall(long number, ...)
{
    long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    long a[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (number != SYS_bpf)
        return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    errno = ENOSYS;
    return -1;
}
