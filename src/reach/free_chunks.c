/*
 * malloc's own references to free chunks. They must not count, because a free chunk has old contents.
 *
 * tcache_perthread_struct is a chunk with one list for each size. Fast bins and bins are lists in struct
 * malloc_state. Links of tcache and of fast bins are protected: xored with their own address >> 12.
 */
#include "reach/spans.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum {
    SMALL_BINS = 64,
    BINS_2_42 = 76,
    MAX_TCACHE = 0x2a0, /* bytes of a chunk for one before 2.42 */
    COUNT_BYTES = 2,
    HEADER = 16,
    MAX_LISTED = 1 << 16,
    FLAGS = 7,
};

static struct reach_heap *heap_at(const struct reach_spans *spans, uint64_t address)
{
    const struct reach_span *span = reach_spans_at(spans, address);
    return span && span->kind == REACH_SPAN_HEAP ? &spans->heaps[span->index] : NULL;
}

/* contents: what malloc returned. */
static bool is_chunk_of_size(const struct reach_spans *spans, const struct reach_image *image,
                             uint64_t contents, uint64_t size)
{
    const struct reach_heap *heap = contents > HEADER ? heap_at(spans, contents - HEADER) : NULL;
    return heap && reach_heap_is_start(heap, contents - HEADER) &&
           (!size || (reach_word(image, contents - 8) & ~(uint64_t)FLAGS) == size);
}

static void set_list_opaque(const struct reach_spans *spans, const struct reach_image *image,
                            uint64_t contents, uint64_t size)
{
    for (size_t i = 0; i < MAX_LISTED && is_chunk_of_size(spans, image, contents, size); i++) {
        reach_heap_set_opaque(heap_at(spans, contents - HEADER), contents - HEADER);
        contents = reach_word(image, contents) ^ contents >> 12;
    }
}

/* ---- tcache ---- */

static uint64_t entries_of(uint64_t contents, unsigned bins)
{
    return (contents + bins * COUNT_BYTES + 7) & ~UINT64_C(7);
}

static uint64_t size_of_bin(unsigned bin)
{
    return bin < SMALL_BINS ? 32 + 16 * (uint64_t)bin : 0;
}

static bool is_tcache(const struct reach_spans *spans, const struct reach_image *image, uint64_t contents,
                      unsigned bins)
{
    unsigned lists = 0;
    for (unsigned bin = 0; bin < bins; bin++) {
        uint64_t first = reach_word(image, entries_of(contents, bins) + 8 * bin);
        uint16_t count = 0;
        reach_read(image, contents + COUNT_BYTES * bin, &count, sizeof(count));
        if (first && !is_chunk_of_size(spans, image, first, size_of_bin(bin)))
            return false;
        if (bins == SMALL_BINS && (count != 0) != (first != 0))
            return false;
        lists += first != 0;
    }
    return lists > 0;
}

/*
 * Since 2.42 the numbers are of chunks that a list has room for. In the small lists, which all have the same
 * limit, those of empty ones are that limit, and the others are lower. Memory that is all zero but for an
 * address is none.
 */
static bool has_limits(const struct reach_image *image, uint64_t contents)
{
    uint16_t room[SMALL_BINS], limit = 0;
    if (!reach_read(image, contents, room, sizeof(room)))
        return false;
    for (unsigned bin = 0; bin < SMALL_BINS; bin++)
        limit = room[bin] > limit ? room[bin] : limit;
    for (unsigned bin = 0; bin < SMALL_BINS; bin++) {
        bool is_empty = !reach_word(image, entries_of(contents, BINS_2_42) + 8 * bin);
        if (is_empty != (room[bin] == limit))
            return false;
    }
    return limit > 0;
}

static void find_tcache(const struct reach_spans *spans, struct reach_heap *heap,
                        const struct reach_image *image, struct reach_range chunk)
{
    uint64_t contents = chunk.start + HEADER;
    unsigned bins = chunk.end - chunk.start < MAX_TCACHE ? SMALL_BINS : BINS_2_42;
    if (!is_tcache(spans, image, contents, bins) || (bins == BINS_2_42 && !has_limits(image, contents)))
        return;
    reach_heap_set_opaque(heap, chunk.start);
    for (unsigned bin = 0; bin < bins; bin++)
        set_list_opaque(spans, image, reach_word(image, entries_of(contents, bins) + 8 * bin),
                        size_of_bin(bin));
}

/* ---- struct malloc_state of the main arena, in the data of libc ---- */

enum {
    BINS = 254,       /* words: 127 lists with two */
    BEFORE_BINS = 12, /* words: 10 fast bins, the top chunk, the last remainder */
    FAST_BINS = 10,
    OFFSET_OF_FAST_BINS = 16,
    MIN_EMPTY = 16, /* lists */
};

/* Both links of an empty list are the address of the list - 16. */
static bool is_empty_list(const uint64_t links[2], uint64_t at)
{
    return links[0] == at - HEADER && links[1] == at - HEADER;
}

/* Nearly all words of libc's data are 0. */
static bool is_list(const struct reach_spans *spans, const uint64_t links[2], uint64_t at)
{
    return links[0] && (is_empty_list(links, at) || (heap_at(spans, links[0]) && heap_at(spans, links[1])));
}

static bool are_bins(const struct reach_spans *spans, const struct reach_image *image, uint64_t at)
{
    unsigned empty = 0;
    for (unsigned i = 0; i < BINS; i += 2) {
        uint64_t links[2], list = at + 8 * i;
        if (!reach_read(image, list, links, sizeof(links)) || !is_list(spans, links, list))
            return false;
        empty += is_empty_list(links, list);
    }
    return empty >= MIN_EMPTY;
}

static bool exclude(struct reach_range **excluded, size_t *count, struct reach_range range)
{
    if (!ARRAY_GROW(*excluded, *count))
        return false;
    (*excluded)[(*count)++] = range;
    return true;
}

/* The links of fast bins are addresses of chunks, and those of tcache are addresses of contents. */
static void set_fast_opaque(const struct reach_spans *spans, const struct reach_image *image, uint64_t state)
{
    for (unsigned i = 0; i < FAST_BINS; i++) {
        uint64_t chunk = reach_word(image, state + 8 * i);
        for (size_t n = 0;
             n < MAX_LISTED && chunk && is_chunk_of_size(spans, image, chunk + HEADER, size_of_bin(i)); n++) {
            reach_heap_set_opaque(heap_at(spans, chunk), chunk);
            chunk = reach_word(image, chunk + HEADER) ^ (chunk + HEADER) >> 12;
        }
    }
}

static bool find_state(struct reach_spans *spans, const struct reach_image *image,
                       const struct reach_region *area, struct reach_range **excluded, size_t *count)
{
    for (uint64_t at = area->start + 8 * BEFORE_BINS; at + 8 * BINS <= area->end; at += 8) {
        if (!are_bins(spans, image, at))
            continue;
        uint64_t start = at - 8 * BEFORE_BINS;
        set_fast_opaque(spans, image, start);
        return exclude(excluded, count, (struct reach_range){start, at + 8 * BINS});
    }
    return true;
}

static bool is_of_libc(const struct reach_image *image, const struct reach_region *region)
{
    return region->kind == REACH_ROOT && region->start < image->glibc.libc_end &&
           region->end > image->glibc.libc_start;
}

bool reach_free_chunks_find(struct reach_spans *spans, const struct reach_image *image,
                            struct reach_range **excluded, size_t *excluded_count)
{
    for (size_t i = 0; i < spans->heap_count; i++) {
        struct reach_heap *heap = &spans->heaps[i];
        for (size_t j = 0; j < heap->cache_count; j++)
            find_tcache(spans, heap, image, heap->caches[j]);
        if (heap->metadata != heap->start)
            set_fast_opaque(spans, image, reach_word(image, heap->metadata) + OFFSET_OF_FAST_BINS);
    }
    for (size_t i = 0; i < image->region_count; i++)
        if (is_of_libc(image, &image->regions[i]) &&
            !find_state(spans, image, &image->regions[i], excluded, excluded_count))
            return false;
    return true;
}
