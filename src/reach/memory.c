/*
 * Fresh pages cost more time than copying them, mostly in a virtual machine whose host gives it memory only
 * when it is used. So several threads make them ready.
 */
#include "reach/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14 */
#endif

enum { MAX_HELPERS = 3 };
#define PART (UINT64_C(64) << 20) /* of a thread, at least; a multiple of the size of huge pages */

struct part {
    unsigned char *start;
    uint64_t size;
};

unsigned char *reach_memory_map(uint64_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    madvise(at, size, MADV_HUGEPAGE);
    return at;
}

static void *prepare_part(void *arg)
{
    const struct part *part = arg;
    madvise(part->start, part->size, MADV_POPULATE_WRITE);
    return NULL;
}

static unsigned helpers_for(uint64_t size)
{
    cpu_set_t cpus;
    unsigned count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? (unsigned)CPU_COUNT(&cpus) : 1;
    unsigned helpers = count - 1 < MAX_HELPERS ? count - 1 : MAX_HELPERS;
    return size / PART < helpers ? (unsigned)(size / PART) : helpers;
}

void reach_memory_prepare(unsigned char *memory, uint64_t size)
{
    const unsigned helpers = helpers_for(size);
    const uint64_t each = size / (helpers + 1) / PART * PART;
    struct part parts[MAX_HELPERS], rest = {memory, size};
    pthread_t threads[MAX_HELPERS];
    unsigned started = 0;
    while (started < helpers) {
        parts[started] = (struct part){rest.start, each};
        if (pthread_create(&threads[started], NULL, prepare_part, &parts[started]) != 0)
            break;
        rest = (struct part){rest.start + each, rest.size - each};
        started++;
    }
    prepare_part(&rest);
    while (started)
        pthread_join(threads[--started], NULL);
}
