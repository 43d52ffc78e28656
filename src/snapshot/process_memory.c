#include "snapshot/process_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/uio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parallel.h"
#include "proc/file.h"
#include "proc/status.h"
#include "proc/tasks.h"

enum {
    BATCH = 256,     /* the kernel allows 1024; two such arrays are on the stack */
    MIN_PART = 1024, /* copies that are worth a thread of our own: 2 us each */
};

/* A main thread that ended before the others is a zombie without memory. */
static bool has_memory(const struct snapshot *snapshot, pid_t task)
{
    struct task_status status;
    return syscall(SYS_tgkill, snapshot->pid, task, 0) == 0 &&
           (task != snapshot->pid || (task_status_read(task, 0, &status) && status.has_memory));
}

/* Atomic, because several threads copy stacks. */
static pid_t task_of(const struct snapshot *snapshot)
{
    return __atomic_load_n(&snapshot->task, __ATOMIC_RELAXED);
}

/* Every read needs it. The cast is valid, because no snapshot is a constant object. */
static pid_t set_task(const struct snapshot *snapshot, pid_t task)
{
    __atomic_store_n(&((struct snapshot *)snapshot)->task, task, __ATOMIC_RELAXED);
    return task;
}

pid_t process_living_task(const struct snapshot *snapshot)
{
    pid_t task = task_of(snapshot);
    if (kill(snapshot->pid, 0) != 0 || has_memory(snapshot, task))
        return task;
    for (size_t i = 0; i < snapshot->count; i++) {
        pid_t tid = snapshot->threads[i].tid;
        if (snapshot->threads[i].state == SNAPSHOT_STOPPED && has_memory(snapshot, tid))
            return set_task(snapshot, tid);
    }
    return snapshot->count ? task : set_task(snapshot, task_with_memory(snapshot->pid));
}

/* Memory is read through one thread, which may have ended meanwhile. */
static ssize_t read_vector(const struct snapshot *snapshot, const struct iovec *to, const struct iovec *from,
                           size_t count)
{
    ssize_t n = process_vm_readv(task_of(snapshot), to, count, from, count, 0);
    if (n < 0 && errno == ESRCH)
        n = process_vm_readv(process_living_task(snapshot), to, count, from, count, 0);
    return n;
}

/* This is slow. It is for systems where a seccomp filter forbids process_vm_readv. */
static size_t read_file(const struct snapshot *snapshot, uint64_t address, void *to, size_t size)
{
    int fd = open(PROC_PATH("%d/mem", process_living_task(snapshot)), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size_t done = pread_all(fd, address, to, size);
    close(fd);
    return done;
}

size_t process_read(const struct snapshot *snapshot, uint64_t address, void *to, size_t size)
{
    struct iovec local = {to, size}, remote = {(void *)(uintptr_t)address, size};
    ssize_t n = read_vector(snapshot, &local, &remote, 1);
    if (n < 0 && errno != EFAULT && errno != ESRCH)
        return read_file(snapshot, address, to, size);
    return n < 0 ? 0 : (size_t)n;
}

/* Returns how many copies of the batch were read completely. */
static size_t read_batch(const struct snapshot *snapshot, struct snapshot_copy **copies, size_t count)
{
    struct iovec local[BATCH] = {{NULL, 0}}, remote[BATCH] = {{NULL, 0}};
    size_t whole = 0;
    for (size_t i = 0; i < count; i++) {
        local[i] = (struct iovec){copies[i]->bytes, copies[i]->size};
        remote[i] = (struct iovec){(void *)(uintptr_t)copies[i]->start, copies[i]->size};
    }
    ssize_t n = read_vector(snapshot, local, remote, count);
    for (size_t done = n > 0 ? (size_t)n : 0; whole < count && done >= copies[whole]->size; whole++)
        done -= copies[whole]->size;
    return whole;
}

struct copies {
    const struct snapshot *snapshot;
    struct snapshot_copy **items;
};

static void read_part(void *arg, size_t first, size_t end)
{
    const struct copies *copies = arg;
    while (first < end) {
        size_t batch = end - first < BATCH ? end - first : BATCH;
        size_t whole = read_batch(copies->snapshot, &copies->items[first], batch);
        if (whole < batch) {
            struct snapshot_copy *copy = copies->items[first + whole++];
            copy->size = process_read(copies->snapshot, copy->start, copy->bytes, copy->size);
        }
        first += whole;
    }
}

void process_read_copies(const struct snapshot *snapshot, struct snapshot_copy **copies, size_t count)
{
    struct copies all = {snapshot, copies};
    parallel_run(count, MIN_PART, read_part, &all);
}

/* ---- files ---- */

static bool accept_path(const char *path, snapshot_accept_fn *accept, void *arg)
{
    struct stat status;
    int fd = regular_file_open(path, &status);
    return fd >= 0 && accept(arg, fd);
}

bool process_find_file(const struct snapshot *snapshot, const struct region *region,
                       snapshot_accept_fn *accept, void *arg)
{
    char path[4200];
    int task = (int)process_living_task(snapshot);
    snprintf(path, sizeof(path), "/proc/%d/root%s", task, region->path);
    if (!region->deleted && accept_path(path, accept, arg))
        return true;
    if (accept_path(region->path, accept, arg))
        return true;
    snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", task, (unsigned long)region->start,
             (unsigned long)region->end);
    return accept_path(path, accept, arg);
}
