/*
 * Contents of files that the process has open for reading: it may have written a reference, and read it back
 * later. A file that has not changed since the process began has none. Files in memory (memfd_create(2),
 * tmpfs) are read, others only from the page cache, so that nothing waits for a disk or a server.
 */
#include "reach/kernel.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "common/compat.h"
#include "proc/status.h"
#include "reach/caveat.h"

enum {
    MAX_BYTES = 64 << 20,      /* of all files */
    SLACK_S = 2,               /* of the time when a process began */
    MEMORY_FILES = 0x01021994, /* TMPFS_MAGIC, linux/magic.h */
};

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct reach_regular reach_regular_begin(const struct snapshot *snapshot)
{
    struct reach_regular regular = {snapshot, INT64_MIN, MAX_BYTES};
    struct task_stat stat;
    if (task_stat_read(snapshot->pid, 0, &stat)) {
        double after_boot = (double)stat.start_ticks / (double)sysconf(_SC_CLK_TCK);
        regular.began_s = (int64_t)(seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME) + after_boot) - SLACK_S;
    }
    return regular;
}

/* All of it is in the address space, and is read there. */
static bool is_mapped(const struct snapshot *snapshot, const struct stat *status)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < snapshot->space.count; i++) {
        const struct region *region = &snapshot->space.regions[i];
        if (region->shared && region->readable && region_is_of_file(region, status))
            bytes += region->end - region->start;
    }
    return bytes >= (uint64_t)status->st_size;
}

static bool is_in_memory(int fd)
{
    struct statfs system;
    return fstatfs(fd, &system) == 0 && system.f_type == MEMORY_FILES;
}

static bool read_contents(struct reach_collector *collector, int fd, size_t size)
{
    unsigned char *bytes = malloc(size);
    struct iovec iov = {bytes, size};
    ssize_t n = bytes ? syscall(SYS_preadv2, fd, &iov, 1, 0, 0, is_in_memory(fd) ? 0 : RWF_NOWAIT) : -1;
    if (n > 0)
        reach_kernel_add(collector, bytes, (size_t)n);
    free(bytes);
    return n == (ssize_t)size;
}

void reach_kernel_read_regular(struct reach_collector *collector, struct reach_regular *regular, int fd,
                               const struct stat *status)
{
    int flags = fcntl(fd, F_GETFL);
    uint64_t size = (uint64_t)status->st_size;
    if (flags < 0 || flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY || !size ||
        status->st_ctim.tv_sec < regular->began_s || is_mapped(regular->snapshot, status))
        return;
    if (size > regular->room || !read_contents(collector, fd, size)) {
        collector->image.caveats |= REACH_BIT(FILE);
        return;
    }
    regular->room -= size;
}
