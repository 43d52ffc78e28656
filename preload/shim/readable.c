#include "preload/shim/readable.h"

#include <errno.h>
#include <stdint.h>
#include <sys/uio.h>

#include "preload/shim/state.h"
#include "preload/shim/sys.h"

/* rt_sigprocmask reads the mask before it checks `how`, which is invalid here. EFAULT: the eight bytes are
 * not readable. EINVAL: they are. */
bool memory_is_readable(const void *address)
{
    uintptr_t aligned = (uintptr_t)address & ~(uintptr_t)7;
    if (shim_config.no_reporter) { /* valgrind would print a warning */
        char byte;
        struct iovec local = {&byte, 1}, remote = {(void *)address, 1};
        return SYS6(process_vm_readv, SYS0(getpid), &local, 1, &remote, 1, 0) == 1;
    }
    return SYS4(rt_sigprocmask, ~0, aligned, NULL, 8) != -EFAULT;
}
