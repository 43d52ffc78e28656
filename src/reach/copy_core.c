/*
 * Memory of a core file. The kernel leaves out anonymous memory that was never written to, and private files
 * that were not changed (core(5)): these contain no reference. If files that can be written to, or the main
 * stack, are missing, coredump_filter has left out more.
 */
#include <string.h>

#include "reach/collector.h"

enum { PAGE = 4096 };

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

bool reach_copy_core(struct reach_collector *collector, const struct snapshot *snapshot)
{
    unsigned char *to;
    if (!snapshot->complete)
        return reach_refuse(collector, "the core file is incomplete");
    if (!reach_copy_prepare(collector))
        return false;
    to = collector->memory;
    for (size_t i = 0; i < collector->pages.count; i++) {
        const struct reach_range run = collector->pages.runs[i];
        if (!read_run(collector, snapshot, run, to))
            return reach_refuse(collector, "the core file does not contain all of its memory");
        to += run.end - run.start;
    }
    return true;
}
