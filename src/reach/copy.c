/* Copies the chosen pages: many runs of pages with one call, all into one piece of memory. */
#include "reach/collector.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parallel.h"
#include "base/search.h"
#include "proc/file.h"
#include "reach/caveat.h"
#include "reach/memory.h"

enum {
    BATCH = 512, /* UIO_MAXIOV is 1024 */
    PAGE = 4096,
    MIN_PART = 4096,  /* pages that are worth a thread of our own: 0.3 us each */
    RESERVE_MIB = 64, /* of available memory that is never used */
};
/* The kernel copies at most 2 GiB - 4 KiB with one call. */
#define MAX_RUN (UINT64_C(1) << 30)

static uint64_t available_bytes(void)
{
    char text[4096];
    if (proc_read("/proc/meminfo", text, sizeof(text)) <= 0)
        return 0;
    const char *found = strstr(text, "MemAvailable:");
    uint64_t kib = found ? strtoull(found + strlen("MemAvailable:"), NULL, 10) : 0,
             reserve = RESERVE_MIB << 10;
    return kib > reserve ? (kib - reserve) << 10 : 0;
}

static void format_size(char text[32], uint64_t bytes)
{
    double mib = (double)bytes / (1 << 20);
    snprintf(text, 32, mib < 1023.5 ? "%.0f MiB" : "%.1f GiB", mib < 1023.5 ? mib : mib / 1024);
}

static bool fits(struct reach_collector *collector, uint64_t bytes)
{
    char size[32], limit[32];
    uint64_t available = available_bytes() + collector->memory_size;
    format_size(size, bytes);
    if (bytes > available) {
        format_size(limit, available);
        return reach_refuse(collector, "that takes %s of memory, and %s are available", size, limit);
    }
    if (collector->limit == REACH_MODERATE && bytes > REACH_MODERATE_BYTES)
        return reach_refuse(collector, "that takes %s of memory; more than 256 MiB only with --find=all",
                            size);
    return true;
}

/* Returns how many bytes were read. */
static size_t read_runs(pid_t task, unsigned char *to, const struct iovec *runs, size_t count, size_t size)
{
    struct iovec local = {to, size};
    ssize_t n = process_vm_readv(task, &local, 1, runs, count, 0);
    return n > 0 ? (size_t)n : 0;
}

/* Page by page, and through /proc/PID/mem, which ignores protections. What cannot be read is zero. */
static void read_slowly(struct reach_collector *collector, pid_t task, unsigned char *to,
                        const struct iovec *run)
{
    int fd = open(PROC_PATH("%d/mem", task), O_RDONLY | O_CLOEXEC);
    for (size_t done = 0; done < run->iov_len; done += PAGE)
        if (fd < 0 || pread_all(fd, (uint64_t)(uintptr_t)run->iov_base + done, to + done, PAGE) != PAGE) {
            memset(to + done, 0, PAGE);
            __atomic_fetch_or(&collector->image.caveats, REACH_BIT(UNREAD), __ATOMIC_RELAXED);
        }
    if (fd >= 0)
        close(fd);
}

static void copy_batch(struct reach_collector *collector, pid_t task, unsigned char *to, struct iovec *runs,
                       size_t count, size_t size)
{
    size_t read = read_runs(task, to, runs, count, size);
    for (size_t i = 0; i < count && read < size; i++) {
        if (read >= runs[i].iov_len) {
            read -= runs[i].iov_len;
            size -= runs[i].iov_len;
            to += runs[i].iov_len;
            continue;
        }
        read_slowly(collector, task, to, &runs[i]);
        to += runs[i].iov_len;
        size -= runs[i].iov_len;
        read = read_runs(task, to, runs + i + 1, count - i - 1, size);
    }
}

static bool make_pieces(struct reach_collector *collector)
{
    struct reach_image *image = &collector->image;
    const struct reach_pages *pages = &collector->pages;
    uint64_t at = 0;
    image->pieces = calloc(pages->count + 1, sizeof(*image->pieces));
    if (!image->pieces)
        return reach_refuse(collector, "out of memory");
    for (size_t i = 0; i < pages->count; i++) {
        uint64_t size = pages->runs[i].end - pages->runs[i].start;
        image->pieces[i] = (struct reach_piece){pages->runs[i].start, size, collector->memory + at};
        at += size;
    }
    image->piece_count = pages->count;
    return true;
}

struct copying {
    struct reach_collector *collector;
    pid_t task;
};

/* A part of the copy, in pages: of the pieces, which follow each other in it. */
static void copy_part(void *arg, size_t first, size_t end)
{
    const struct copying *copying = arg;
    struct reach_collector *collector = copying->collector;
    const struct reach_image *image = &collector->image;
    unsigned char *at = collector->memory + first * PAGE, *to = at;
    unsigned char *last =
        collector->memory + (end * PAGE < collector->copied ? end * PAGE : collector->copied);
    size_t count = 0,
           i = SEARCH_FIRST(j, image->piece_count, image->pieces[j].bytes + image->pieces[j].size > at);
    struct iovec runs[BATCH];
    while (at < last) {
        const struct reach_piece *piece = &image->pieces[i];
        const unsigned char *stop = piece->bytes + piece->size < last ? piece->bytes + piece->size : last;
        size_t part = (size_t)(stop - at) < MAX_RUN - (size_t)(at - to) ? (size_t)(stop - at)
                                                                        : MAX_RUN - (size_t)(at - to);
        runs[count++] =
            (struct iovec){(void *)(uintptr_t)(piece->start + (uint64_t)(at - piece->bytes)), part};
        at += part;
        i += at == piece->bytes + piece->size;
        if (count == BATCH || (size_t)(at - to) == MAX_RUN || at == last) {
            copy_batch(collector, copying->task, to, runs, count, (size_t)(at - to));
            to = at;
            count = 0;
        }
    }
}

static void copy_all(struct reach_collector *collector, pid_t task)
{
    struct copying copying = {collector, task};
    parallel_run((collector->copied + PAGE - 1) / PAGE, MIN_PART, copy_part, &copying);
}

static bool allocate(struct reach_collector *collector, uint64_t size)
{
    if (size <= collector->memory_size)
        return true;
    if (collector->memory)
        munmap(collector->memory, collector->memory_size);
    collector->memory = reach_memory_map(size);
    collector->memory_size = collector->memory ? size : 0;
    return collector->memory != NULL;
}

bool reach_copy_reserve(struct reach_collector *collector)
{
    uint64_t most = collector->limit == REACH_MODERATE ? REACH_MODERATE_BYTES : available_bytes();
    uint64_t bytes = collector->pages.bytes;
    return allocate(collector, (bytes < most ? bytes : most) + REACH_SLACK);
}

bool reach_copy_prepare(struct reach_collector *collector)
{
    uint64_t bytes = collector->pages.bytes;
    if (!fits(collector, bytes))
        return false;
    if (!allocate(collector, bytes + REACH_SLACK))
        return reach_refuse(collector, "out of memory");
    collector->copied = bytes;
    return make_pieces(collector);
}

bool reach_copy_pages(struct reach_collector *collector, const struct snapshot *snapshot)
{
    if (!reach_copy_prepare(collector))
        return false;
    copy_all(collector, snapshot->task);
    return true;
}
