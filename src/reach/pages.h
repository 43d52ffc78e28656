/* Which pages of a process have contents: /proc/PID/pagemap. */
#ifndef THREADLEAK_REACH_PAGES_H
#define THREADLEAK_REACH_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "reach/image.h"

struct reach_pages {
    int fd;                   /* of pagemap; -1: it cannot be read, and all pages count */
    bool cannot_scan;         /* the kernel is older than 6.7 */
    struct reach_range *runs; /* ascending, disjoint: pages to copy */
    size_t count;
    uint64_t bytes;
    struct reach_range next; /* added, but not read yet: neighbours are read together */
    bool next_own;
};

/* task: a living thread. */
void reach_pages_open(struct reach_pages *pages, pid_t task);
/*
 * Adds the runs of pages of a mapping that are in memory or swapped out. The others are zero, or have the
 * contents of a file that the process did not change. Before Linux 6.7, pages of zeros that were only read
 * are in memory, too. own: only pages that the process wrote to, of a private mapping of a file. Call it in
 * ascending order. False: out of memory, or the mapping is too large for this kernel.
 */
bool reach_pages_add(struct reach_pages *pages, uint64_t start, uint64_t end, bool own);
/* Adds pages to copy, and does not read the process. Call it in ascending order. False: out of memory. */
bool reach_pages_keep(struct reach_pages *pages, uint64_t start, uint64_t end);
/* Call it after the last one. */
bool reach_pages_finish(struct reach_pages *pages);
void reach_pages_release(struct reach_pages *pages);

#endif
