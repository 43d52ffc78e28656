#include "preload/shim/readable.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "preload/shim/state.h"
#include "preload/shim/sys.h"

static long read_self(void *to, const void *from, size_t size)
{
    struct iovec local = {to, size}, remote = {(void *)from, size};
    return SYS6(process_vm_readv, SYS0(getpid), &local, 1, &remote, 1, 0);
}

/* rt_sigprocmask reads the mask before it checks `how`, which is invalid here. EFAULT: the eight bytes are
 * not readable. EINVAL: they are. */
bool memory_is_readable(const void *address)
{
    uintptr_t aligned = (uintptr_t)address & ~(uintptr_t)7;
    if (shim_config.no_reporter) { /* valgrind would print a warning */
        char byte = 0;
        return read_self(&byte, address, 1) == 1;
    }
    return SYS4(rt_sigprocmask, ~0, aligned, NULL, 8) != -EFAULT;
}

bool memory_is_readable_near(const void *address, uintptr_t *page)
{
    uintptr_t at = (uintptr_t)address & ~(MEMORY_PAGE - 1);
    if (at == 0 || (at != *page && !memory_is_readable(address)))
        return false;
    *page = at;
    return true;
}

/* size: from `address` to the end of the page at most. */
static bool copy_in_page(void *to, const char *from, size_t size)
{
    if (!shim_config.sandboxed) {
        long n = read_self(to, from, size);
        if (n != -EPERM && n != -ENOSYS) /* container runtimes with a filter from before 2020 */
            return n == (long)size;
        if (!memory_is_readable(from))
            return false;
    }
    memcpy(to, from, size);
    return true;
}

static size_t to_end_of_page(const char *at, size_t size)
{
    size_t left = MEMORY_PAGE - ((uintptr_t)at & (MEMORY_PAGE - 1));
    return size < left ? size : left;
}

bool memory_copy(void *to, const void *from, size_t size)
{
    for (size_t done = 0, n; done < size; done += n) {
        const char *at = (const char *)from + done;
        n = to_end_of_page(at, size - done);
        if (!copy_in_page((char *)to + done, at, n))
            return false;
    }
    return true;
}

bool memory_copy_string(char *to, const char *from, size_t size)
{
    for (size_t done = 0, n; done < size; done += n) {
        n = to_end_of_page(from + done, size - done);
        if (!copy_in_page(to + done, from + done, n))
            return false;
        if (memchr(to + done, 0, n))
            return true;
    }
    return false;
}
