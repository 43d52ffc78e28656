#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "common/compat.h"

enum { STATX_WANTED = 0x1 | 0x100 /* STATX_TYPE | STATX_INO */ };

/* struct statx of the kernel (include/uapi/linux/stat.h): glibc has none before 2.28. */
struct kernel_statx {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t links, user, group;
    uint16_t mode, pad;
    uint64_t inode, size, blocks, attributes_mask;
    uint64_t times[4][2];
    uint32_t device_major, device_minor, on_major, on_minor;
    uint64_t more[14];
};
_Static_assert(sizeof(struct kernel_statx) == 256, "the kernel writes 256 bytes");

bool file_facts_read(const char *path, struct file_facts *facts)
{
    struct kernel_statx status;
    memset(facts, 0, sizeof(*facts));
    if (syscall(SYS_statx, AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_WANTED, &status) != 0)
        return false;
    *facts =
        (struct file_facts){status.mode & S_IFMT, status.inode, status.device_major, status.device_minor};
    return true;
}

int memory_file(const char *name)
{
    return (int)syscall(SYS_memfd_create, name, MFD_CLOEXEC);
}
