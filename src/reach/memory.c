/*
 * Fresh pages cost more time than copying them, mostly in a virtual machine whose host gives it memory only
 * when it is used. So several threads make them ready.
 */
#include "reach/memory.h"

#include <stddef.h>
#include <sys/mman.h>

#include "base/parallel.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14 */
#endif

enum { PART = 2 << 20 /* of a huge page */, LEAST = 16 /* parts for a thread */ };

unsigned char *reach_memory_map(uint64_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    madvise(at, size, MADV_HUGEPAGE);
    return at;
}

static void prepare(void *memory, size_t first, size_t end)
{
    madvise((char *)memory + first * PART, (end - first) * PART, MADV_POPULATE_WRITE);
}

void reach_memory_prepare(unsigned char *memory, uint64_t size)
{
    parallel_run(size / PART, LEAST, prepare, memory);
    madvise(memory + size / PART * PART, size % PART, MADV_POPULATE_WRITE);
}
