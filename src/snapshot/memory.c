#include "snapshot/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "proc/tracer.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14 */
#endif

enum {
    KB = 1024,
    MB = 1024 * KB,
    BATCH = 1024, /* UIO_MAXIOV of the kernel */
    DEEPENED_BYTES = 256 * MB,
    LEAST_COPY = 4 * KB,
    MAX_COPY = 16 * MB,
};

/* ---- arenas ------------------------------------------------------------------- */

struct snapshot_arena *arena_new(struct snapshot *snapshot, size_t size, size_t ready)
{
    struct snapshot_arena *arena = calloc(1, sizeof(*arena));
    if (!arena)
        return NULL;
    arena->size = size ? size : 1;
    arena->bytes =
        mmap(NULL, arena->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena->bytes == MAP_FAILED) {
        free(arena);
        return NULL;
    }
    madvise(arena->bytes, ready < size ? ready : size, MADV_POPULATE_WRITE);
    arena->next = snapshot->arenas;
    snapshot->arenas = arena;
    return arena;
}

void arena_free_all(struct snapshot *snapshot)
{
    while (snapshot->arenas) {
        struct snapshot_arena *arena = snapshot->arenas;
        snapshot->arenas = arena->next;
        munmap(arena->bytes, arena->size);
        free(arena);
    }
}

/* ---- how much ------------------------------------------------------------------ */

uint64_t copy_share(size_t total, size_t count)
{
    uint64_t each = total / (count ? count : 1);
    return each < LEAST_COPY ? LEAST_COPY : each > MAX_COPY ? MAX_COPY : each;
}

static int compare_sizes(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Of the stack, and of where the want is when that is elsewhere; a page for what is below sp. */
static void ask(const struct snapshot *snapshot, const struct snapshot_want *want, uint64_t asked[2])
{
    uint64_t sp = snapshot->threads[want->thread].sp;
    const struct region *stack = address_space_find(&snapshot->space, sp);
    const struct region *other = address_space_find(&snapshot->space, want->address);
    asked[0] = stack ? stack->end - sp + 4 * KB : 0;
    asked[1] = other && other != stack ? other->end - want->address + 4 * KB : 0;
}

/* Most ask for little: ten thousand equal shares of the whole would do for nobody. */
uint64_t copy_share_wanted(const struct snapshot *snapshot, const struct snapshot_want *wants, size_t count,
                           size_t *expected, size_t *room)
{
    uint64_t *asked = malloc((2 * count + 1) * sizeof(*asked)), left = DEEPENED_BYTES, each = MAX_COPY;
    *expected = 0;
    *room = DEEPENED_BYTES + 2 * count * LEAST_COPY;
    if (!asked)
        return copy_share(DEEPENED_BYTES, 2 * count);
    for (size_t i = 0; i < count; i++)
        ask(snapshot, &wants[i], &asked[2 * i]);
    qsort(asked, 2 * count, sizeof(*asked), compare_sizes);
    for (size_t i = 0; i < 2 * count && each == MAX_COPY; i++) {
        if (asked[i] > left / (2 * count - i))
            each = copy_share(left, 2 * count - i);
        left -= asked[i] < left ? asked[i] : left;
    }
    for (size_t i = 0; i < 2 * count; i++)
        *expected += asked[i] < each ? asked[i] : each;
    free(asked);
    return each;
}

/* ---- copies --------------------------------------------------------------------- */

void copy_plan(const struct snapshot *snapshot, struct snapshot_arena *arena, struct snapshot_copy *copy,
               uint64_t start, uint64_t size)
{
    const struct region *region = address_space_find(&snapshot->space, start);
    *copy = (struct snapshot_copy){.start = start};
    if (!region || !region->readable)
        return;
    if (size > region->end - start)
        size = region->end - start;
    if (size > arena->size - arena->used)
        size = arena->size - arena->used;
    copy->bytes = arena->bytes + arena->used;
    copy->size = size;
    arena->used += size;
}

/* The main thread may be there without memory: until all others have ended. */
static bool has_memory(const struct snapshot *snapshot, pid_t task)
{
    return tgkill(snapshot->pid, task, 0) == 0 &&
           (task != snapshot->pid || status_number(task, "VmSize") >= 0);
}

pid_t snapshot_living_task(const struct snapshot *snapshot)
{
    if (snapshot->core)
        return 0;
    if (kill(snapshot->pid, 0) != 0 || has_memory(snapshot, snapshot->task))
        return snapshot->task;
    for (size_t i = 0; i < snapshot->count; i++) {
        pid_t tid = snapshot->threads[i].tid;
        if (snapshot->threads[i].state != SNAPSHOT_STOPPED || !has_memory(snapshot, tid))
            continue;
        /* Not to be searched for at every word that is read.  No snapshot is a constant. */
        ((struct snapshot *)snapshot)->task = tid;
        return tid;
    }
    return snapshot->task;
}

/* Memory is read through one thread, which may have ended since. */
static ssize_t read_vector(const struct snapshot *snapshot, const struct iovec *to, const struct iovec *from,
                           size_t count)
{
    ssize_t n = process_vm_readv(snapshot->task, to, count, from, count, 0);
    if (n < 0 && errno == ESRCH)
        n = process_vm_readv(snapshot_living_task(snapshot), to, count, from, count, 0);
    return n;
}

/* The slow way, where a filter forbids process_vm_readv. */
static size_t read_file(const struct snapshot *snapshot, uint64_t address, void *to, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)snapshot_living_task(snapshot));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size_t done = 0;
    ssize_t n;
    while (done < size && (n = pread(fd, (char *)to + done, size - done, (off_t)(address + done))) > 0)
        done += (size_t)n;
    close(fd);
    return done;
}

size_t read_process(const struct snapshot *snapshot, uint64_t address, void *to, size_t size)
{
    struct iovec local = {to, size}, remote = {(void *)(uintptr_t)address, size};
    ssize_t n = read_vector(snapshot, &local, &remote, 1);
    if (n < 0 && errno != EFAULT && errno != ESRCH)
        return read_file(snapshot, address, to, size);
    return n < 0 ? 0 : (size_t)n;
}

/* One copy by itself: as far as its memory can be read. */
static void fill_one(const struct snapshot *snapshot, struct snapshot_copy *copy)
{
    copy->size = snapshot->read(snapshot, copy->start, copy->bytes, copy->size);
}

/* How many of the batch were read whole. */
static size_t fill_batch(const struct snapshot *snapshot, struct snapshot_copy **copies, size_t count)
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

void copy_fill(const struct snapshot *snapshot, struct snapshot_copy **copies, size_t count)
{
    while (count) {
        size_t batch = count < BATCH ? count : BATCH;
        size_t whole = fill_batch(snapshot, copies, batch);
        if (whole < batch)
            fill_one(snapshot, copies[whole++]);
        copies += whole;
        count -= whole;
    }
}

/* ---- what readers ask ------------------------------------------------------------- */

static bool read_copy(const struct snapshot_copy *copy, uint64_t address, void *to, size_t size)
{
    if (address < copy->start || size > copy->size || address - copy->start > copy->size - size)
        return false;
    memcpy(to, copy->bytes + (address - copy->start), size);
    return true;
}

bool snapshot_read_live(const struct snapshot *snapshot, uint64_t address, void *to, size_t size)
{
    return snapshot->read(snapshot, address, to, size) == size;
}

bool snapshot_read_memory(const struct snapshot *snapshot, const struct snapshot_thread *thread,
                          uint64_t address, void *to, size_t size)
{
    if (thread &&
        (read_copy(&thread->stack, address, to, size) || read_copy(&thread->interrupted, address, to, size) ||
         read_copy(&thread->object, address, to, size)))
        return true;
    const struct region *region = address_space_find(&snapshot->space, address);
    if (!region || (region->writable && !snapshot->core) || !region->readable || size > region->end - address)
        return false;
    return snapshot_read_live(snapshot, address, to, size);
}
