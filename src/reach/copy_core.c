/*
 * Memory of a core file, without its pages that are zero: gdb's gcore also writes those that were never used.
 *
 * The kernel leaves out anonymous memory that was never written to, and private files
 * that were not changed (core(5)): these contain no reference. If files that can be written to, or the main
 * stack, are missing, coredump_filter has left out more.
 */
#include <stdlib.h>
#include <string.h>

#include "reach/collector.h"
#include "reach/memory.h"

enum { PAGE = 4096, BLOCK = 1 << 20 };

struct packing {
    struct reach_collector *collector;
    struct reach_pages kept;
    unsigned char *block; /* what was read */
    size_t capacity;      /* of the collector's memory; more pages are only counted */
};

static bool may_be_missing(const struct reach_image *image, const struct region *region)
{
    const struct reach_region *part = reach_region_at(image, region->start);
    return part && part->kind != REACH_STACK && !(region->path[0] == '/' && region->writable);
}

/* False: it contains something that is not in the core file. */
static bool read_run(const struct reach_collector *collector, const struct snapshot *snapshot,
                     struct reach_range run, unsigned char *to)
{
    while (run.start < run.end) {
        size_t n = snapshot_read_some(snapshot, run.start, to, run.end - run.start) & ~(size_t)(PAGE - 1);
        const struct region *region = address_space_find(&snapshot->space, run.start + n);
        to += n;
        run.start += n;
        if (run.start >= run.end)
            return true;
        if (!region || !may_be_missing(&collector->image, region))
            return false;
        uint64_t end = region->end < run.end ? region->end : run.end;
        memset(to, 0, end - run.start);
        to += end - run.start;
        run.start = end;
    }
    return true;
}

static bool is_zero(const unsigned char *page)
{
    return !page[0] && memcmp(page, page + 1, PAGE - 1) == 0;
}

/* False: out of memory. */
static bool keep(struct packing *packing, uint64_t address, const unsigned char *page)
{
    if (is_zero(page))
        return true;
    if (packing->kept.bytes + PAGE <= packing->capacity)
        memcpy(packing->collector->memory + packing->kept.bytes, page, PAGE);
    return reach_pages_keep(&packing->kept, address, address + PAGE);
}

static bool pack_run(struct packing *packing, const struct snapshot *snapshot, struct reach_range run)
{
    for (uint64_t at = run.start; at < run.end; at += BLOCK) {
        uint64_t end = run.end - at < BLOCK ? run.end : at + BLOCK;
        if (!read_run(packing->collector, snapshot, (struct reach_range){at, end}, packing->block))
            return reach_refuse(packing->collector, "the core file does not contain all of its memory");
        for (uint64_t page = at; page < end; page += PAGE)
            if (!keep(packing, page, packing->block + (page - at)))
                return reach_refuse(packing->collector, "out of memory");
    }
    return true;
}

static bool pack_all(struct packing *packing, const struct snapshot *snapshot)
{
    struct reach_collector *collector = packing->collector;
    bool done = true;
    for (size_t i = 0; done && i < collector->pages.count; i++)
        done = pack_run(packing, snapshot, collector->pages.runs[i]);
    reach_pages_release(&collector->pages);
    collector->pages = packing->kept;
    return done && reach_copy_prepare(collector) &&
           (collector->copied <= packing->capacity || reach_refuse(collector, "out of memory"));
}

bool reach_copy_core(struct reach_collector *collector, const struct snapshot *snapshot)
{
    struct packing packing = {.collector = collector, .kept = {.fd = -1}};
    if (!snapshot->complete)
        return reach_refuse(collector, "the core file is incomplete");
    if (!reach_copy_reserve(collector))
        return reach_refuse(collector, "out of memory");
    packing.capacity = collector->memory_size - REACH_SLACK;
    packing.block = malloc(BLOCK);
    bool done = packing.block ? pack_all(&packing, snapshot) : reach_refuse(collector, "out of memory");
    free(packing.block);
    return done;
}
