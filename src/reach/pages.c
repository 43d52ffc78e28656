#include "reach/pages.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "proc/file.h"

enum {
    PAGE = 4096,
    ENTRIES = 1024,     /* of pagemap in one read */
    RANGES = 256,       /* of one scan */
    MAX_BITS_READ = 38, /* of a mapping, without PAGEMAP_SCAN: 256 GiB have 512 MiB of entries */
};

/* Bits of an entry: Documentation/admin-guide/mm/pagemap.rst. */
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_SWAPPED (UINT64_C(1) << 62)
#define ENTRY_FILE (UINT64_C(1) << 61) /* or shared anonymous memory */

/* PAGEMAP_SCAN of linux/fs.h since 6.7. */
enum { SCAN_IS_FILE = 1 << 2, SCAN_IS_PRESENT = 1 << 3, SCAN_IS_SWAPPED = 1 << 4, SCAN_IS_ZERO = 1 << 5 };
struct scan_range {
    uint64_t start, end, categories;
};
struct scan_args {
    uint64_t size, flags, start, end, walk_end, ranges, range_count, max_pages;
    uint64_t inverted, all, any, returned;
};
#define SCAN_CALL _IOWR('f', 16, struct scan_args)

void reach_pages_open(struct reach_pages *pages, pid_t task)
{
    int fd = open(PROC_PATH("%d/pagemap", task), O_RDONLY | O_CLOEXEC);
    *pages = (struct reach_pages){.fd = fd};
}

bool reach_pages_keep(struct reach_pages *pages, uint64_t start, uint64_t end)
{
    struct reach_range *last = pages->count ? &pages->runs[pages->count - 1] : NULL;
    pages->bytes += end - start;
    if (last && last->end == start) {
        last->end = end;
        return true;
    }
    if (!ARRAY_GROW(pages->runs, pages->count))
        return false;
    pages->runs[pages->count++] = (struct reach_range){start, end};
    return true;
}

/* Returns 1, or 0 when out of memory, or -1: the kernel does not have this call. */
static int scan(struct reach_pages *pages, uint64_t start, uint64_t end, bool own)
{
    const uint64_t without = SCAN_IS_ZERO | (own ? SCAN_IS_FILE : 0);
    struct scan_range ranges[RANGES];
    while (start < end) {
        struct scan_args args = {.size = sizeof(args),
                                 .start = start,
                                 .end = end,
                                 .ranges = (uint64_t)(uintptr_t)ranges,
                                 .range_count = RANGES,
                                 .any = SCAN_IS_PRESENT | SCAN_IS_SWAPPED,
                                 .inverted = without,
                                 .all = without,
                                 .returned = SCAN_IS_PRESENT | SCAN_IS_SWAPPED};
        int count = ioctl(pages->fd, SCAN_CALL, &args);
        if (count < 0 || args.walk_end <= start)
            return -1;
        for (int i = 0; i < count; i++)
            if (!reach_pages_keep(pages, ranges[i].start, ranges[i].end))
                return 0;
        start = args.walk_end;
    }
    return 1;
}

static bool is_wanted(uint64_t entry, bool own)
{
    return entry & (ENTRY_PRESENT | ENTRY_SWAPPED) && !(own && entry & ENTRY_FILE);
}

static bool read_entries(struct reach_pages *pages, uint64_t start, uint64_t end, bool own)
{
    uint64_t entries[ENTRIES];
    if ((end - start) >> MAX_BITS_READ)
        return false;
    while (start < end) {
        size_t wanted = (end - start) / PAGE < ENTRIES ? (end - start) / PAGE : ENTRIES;
        size_t read = pread_all(pages->fd, start / PAGE * 8, entries, wanted * 8) / 8;
        for (size_t i = 0; i < read; i++)
            if (is_wanted(entries[i], own) &&
                !reach_pages_keep(pages, start + i * PAGE, start + (i + 1) * PAGE))
                return false;
        if (read < wanted) /* not readable: all count */
            return reach_pages_keep(pages, start + read * PAGE, end);
        start += read * PAGE;
    }
    return true;
}

bool reach_pages_finish(struct reach_pages *pages)
{
    const struct reach_range next = pages->next;
    size_t count = pages->count;
    uint64_t bytes = pages->bytes;
    pages->next = (struct reach_range){0, 0};
    if (next.start >= next.end)
        return true;
    if (pages->fd < 0)
        return reach_pages_keep(pages, next.start, next.end);
    int done = pages->cannot_scan ? -1 : scan(pages, next.start, next.end, pages->next_own);
    if (done >= 0)
        return done;
    pages->cannot_scan = true;
    pages->count = count;
    pages->bytes = bytes;
    return read_entries(pages, next.start, next.end, pages->next_own);
}

/* A process with 10,000 threads has as many stacks and guards in a row. */
bool reach_pages_add(struct reach_pages *pages, uint64_t start, uint64_t end, bool own)
{
    if (!pages->cannot_scan && pages->next.end == start && pages->next_own == own) {
        pages->next.end = end;
        return true;
    }
    if (!reach_pages_finish(pages))
        return false;
    pages->next = (struct reach_range){start, end};
    pages->next_own = own;
    return true;
}

void reach_pages_release(struct reach_pages *pages)
{
    if (pages->fd >= 0)
        close(pages->fd);
    free(pages->runs);
    *pages = (struct reach_pages){.fd = -1};
}
