/*
 * Private anonymous memory is divided in this order: parts of threads, whose bounds are known; heaps of
 * malloc; large chunks, which malloc maps one by one. What is left is a mapping of the program. Neighbours
 * are one object, because one mmap() can become several mappings, and a program may have the address of the
 * first one only.
 */
#include "reach/spans.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"

enum { ARENA_BYTES = 64 << 20, PAGE = 4096, IS_MMAPPED = 2, FLAGS = 7 };

static bool add(struct reach_spans *spans, struct reach_range range, enum reach_span_kind kind, size_t index)
{
    if (range.start >= range.end)
        return true;
    if (!ARRAY_GROW(spans->items, spans->count))
        return false;
    spans->items[spans->count++] = (struct reach_span){range.start, range.end, kind, (uint32_t)index, false};
    return true;
}

static int compare(const void *left, const void *right)
{
    const struct reach_span *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return (a->kind > b->kind) - (a->kind < b->kind);
}

/* Ascending; of two that overlap the one that begins first stays, or the heap. */
static void sort(struct reach_spans *spans)
{
    size_t kept = 0;
    if (spans->count)
        qsort(spans->items, spans->count, sizeof(*spans->items), compare);
    for (size_t i = 0; i < spans->count; i++) {
        struct reach_span *last = kept ? &spans->items[kept - 1] : NULL;
        const struct reach_span item = spans->items[i];
        if (!last || item.start >= last->end)
            spans->items[kept++] = item;
        else if (item.kind == REACH_SPAN_HEAP && last->kind != REACH_SPAN_HEAP)
            *last = item;
    }
    spans->count = kept;
}

struct reach_span *reach_spans_at(const struct reach_spans *spans, uint64_t address)
{
    size_t *last = &((struct reach_spans *)spans)->last;
    size_t at = SEARCH_FIRST_AGAIN(i, spans->count, *last, spans->items[i].end > address);
    return at < spans->count && spans->items[at].start <= address ? &spans->items[at] : NULL;
}

/* ---- threads ---- */

static bool is_private(const struct reach_image *image, struct reach_range range)
{
    const struct reach_region *region =
        range.start < range.end ? reach_region_at(image, range.end - 1) : NULL;
    return region && (region->kind == REACH_PRIVATE || region->kind == REACH_STACK);
}

static bool add_part(struct reach_spans *spans, const struct reach_image *image, struct reach_range range,
                     enum reach_span_kind kind, size_t index)
{
    return !is_private(image, range) || add(spans, range, kind, index);
}

static bool add_threads(struct reach_spans *spans, const struct reach_image *image)
{
    for (size_t i = 0; i < image->thread_count; i++) {
        const struct reach_thread *thread = &image->threads[i];
        if (thread->has_block &&
            (!add_part(spans, image, thread->stack, REACH_SPAN_THREAD_STACK, i) ||
             !add_part(spans, image, thread->tls, REACH_SPAN_THREAD_TLS, i) ||
             !add_part(spans, image, thread->descriptor, REACH_SPAN_THREAD_DESCRIPTOR, i)))
            return false;
    }
    for (size_t i = 0; i < image->dead_count; i++) {
        const struct reach_range block = {image->dead[i].stack.start, image->dead[i].descriptor.end};
        if (!add_part(spans, image, block, REACH_SPAN_DEAD, i))
            return false;
    }
    return true;
}

/* ---- heaps ---- */

static bool add_root(struct reach_spans *spans, struct reach_range range)
{
    if (!ARRAY_GROW(spans->roots, spans->root_count))
        return false;
    spans->roots[spans->root_count++] = range;
    return true;
}

static bool add_heap(struct reach_spans *spans, const struct reach_heap *heap)
{
    if (!ARRAY_GROW(spans->heaps, spans->heap_count))
        return false;
    size_t index = spans->heap_count++;
    spans->heaps[index] = *heap;
    return add(spans, (struct reach_range){heap->metadata, heap->start}, REACH_SPAN_MALLOC, index) &&
           add(spans, (struct reach_range){heap->start, heap->end}, REACH_SPAN_HEAP, index);
}

static bool add_brk(struct reach_spans *spans, const struct reach_image *image,
                    const struct reach_region *region)
{
    struct reach_heap heap;
    if (!reach_heap_walk(&heap, image, region->start, region->end, false))
        return add_root(spans, (struct reach_range){region->start, region->end});
    return add_heap(spans, &heap);
}

static bool add_arenas(struct reach_spans *spans, const struct reach_image *image,
                       const struct reach_region *region)
{
    uint64_t at = (region->start + ARENA_BYTES - 1) & ~(uint64_t)(ARENA_BYTES - 1);
    for (; at < region->end; at += ARENA_BYTES) {
        struct reach_heap heap;
        if (reach_heap_of_arena(&heap, image, at) && !add_heap(spans, &heap))
            return false;
    }
    return true;
}

static bool add_heaps(struct reach_spans *spans, const struct reach_image *image)
{
    for (size_t i = 0; i < image->region_count && !image->other_allocator; i++) {
        const struct reach_region *region = &image->regions[i];
        if ((region->kind == REACH_BRK && !add_brk(spans, image, region)) ||
            (region->kind == REACH_PRIVATE && !add_arenas(spans, image, region)))
            return false;
    }
    return true;
}

/* ---- the rest ---- */

/* A large chunk: no previous size, its own size in pages, and the flag. */
static uint64_t large_chunk(const struct reach_image *image, uint64_t at, uint64_t end)
{
    uint64_t words[2];
    if (!reach_read(image, at, words, sizeof(words)) || words[0] || (words[1] & FLAGS) != IS_MMAPPED)
        return 0;
    uint64_t size = words[1] & ~(uint64_t)FLAGS;
    return size && size % PAGE == 0 && size <= end - at ? size : 0;
}

struct rest {
    struct reach_spans *spans;
    const struct reach_image *image;
    struct reach_range open; /* the mapping that may grow */
};

static bool close_mapping(struct rest *rest)
{
    bool done = rest->image->other_allocator
                    ? rest->open.start >= rest->open.end || add_root(rest->spans, rest->open)
                    : add(rest->spans, rest->open, REACH_SPAN_MAPPING, 0);
    rest->open = (struct reach_range){0, 0};
    return done;
}

static bool add_gap(struct rest *rest, uint64_t start, uint64_t end)
{
    uint64_t size;
    for (; start < end && !rest->image->other_allocator && (size = large_chunk(rest->image, start, end));
         start += size)
        if (!close_mapping(rest) ||
            !add(rest->spans, (struct reach_range){start, start + size}, REACH_SPAN_MAPPING, 0))
            return false;
    if (start >= end)
        return true;
    if (rest->open.end != start && !close_mapping(rest))
        return false;
    rest->open = (struct reach_range){rest->open.end == start ? rest->open.start : start, end};
    return true;
}

/* The parts of a region that are in none of the first `known` spans. */
static bool add_gaps(struct rest *rest, const struct reach_region *region, size_t known)
{
    uint64_t at = region->start;
    size_t i = SEARCH_FIRST(j, known, rest->spans->items[j].end > at);
    for (; i < known && rest->spans->items[i].start < region->end; i++) {
        const struct reach_span span = rest->spans->items[i];
        if (span.start > at && !add_gap(rest, at, span.start))
            return false;
        at = span.end > at ? span.end : at;
    }
    return at >= region->end || add_gap(rest, at, region->end);
}

static bool add_rest(struct reach_spans *spans, const struct reach_image *image)
{
    struct rest rest = {.spans = spans, .image = image};
    size_t known = spans->count;
    for (size_t i = 0; i < image->region_count; i++) {
        const struct reach_region *region = &image->regions[i];
        bool divided = region->kind == REACH_PRIVATE || (region->kind == REACH_BRK && image->other_allocator);
        if (divided && !add_gaps(&rest, region, known))
            return false;
    }
    return close_mapping(&rest);
}

bool reach_spans_build(struct reach_spans *spans, const struct reach_image *image)
{
    *spans = (struct reach_spans){.items = NULL};
    if (!add_threads(spans, image) || !add_heaps(spans, image))
        return false;
    sort(spans);
    if (!add_rest(spans, image))
        return false;
    sort(spans);
    return true;
}

void reach_spans_release(struct reach_spans *spans)
{
    for (size_t i = 0; i < spans->heap_count; i++)
        reach_heap_release(&spans->heaps[i]);
    free(spans->heaps);
    free(spans->items);
    free(spans->roots);
    *spans = (struct reach_spans){.items = NULL};
}
