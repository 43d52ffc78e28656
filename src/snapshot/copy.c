#include "snapshot/copy.h"

#include <stdlib.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14 */
#endif

enum {
    KB = 1024,
    MB = 1024 * KB,
    DEEPENED_BYTES = 256 * MB,
    MIN_COPY = 4 * KB,
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
    return each < MIN_COPY ? MIN_COPY : each > MAX_COPY ? MAX_COPY : each;
}

static int compare_sizes(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Bytes of the stack, and of the wanted mapping if that is another one, each with a page for what is below
 * sp. */
static void set_asked(const struct snapshot *snapshot, const struct snapshot_want *want, uint64_t asked[2])
{
    uint64_t sp = snapshot->threads[want->thread].sp;
    const struct region *stack = address_space_find(&snapshot->space, sp);
    const struct region *other = address_space_find(&snapshot->space, want->address);
    asked[0] = stack ? stack->end - sp + 4 * KB : 0;
    asked[1] = other && other != stack ? other->end - want->address + 4 * KB : 0;
}

/* Most threads need little. With ten thousand threads, equal shares would be too small for the others. */
uint64_t copy_share_wanted(const struct snapshot *snapshot, const struct snapshot_want *wants, size_t count,
                           size_t *expected, size_t *capacity)
{
    uint64_t *asked = malloc((2 * count + 1) * sizeof(*asked)), left = DEEPENED_BYTES, each = MAX_COPY;
    *expected = 0;
    *capacity = DEEPENED_BYTES + 2 * count * MIN_COPY;
    if (!asked)
        return copy_share(DEEPENED_BYTES, 2 * count);
    for (size_t i = 0; i < count; i++)
        set_asked(snapshot, &wants[i], &asked[2 * i]);
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
               uint64_t address, uint64_t below, uint64_t size)
{
    const struct region *region = address_space_find(&snapshot->space, address);
    uint64_t start = region && address - region->start < below ? region->start : address - below;
    *copy = (struct snapshot_copy){.start = start};
    if (!region) /* an empty stack: sp is at the end of the mapping */
        region = address_space_find(&snapshot->space, start);
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
