/* The objects of an image: heaps with their chunks, parts of threads, other mappings. */
#ifndef THREADLEAK_REACH_SPANS_H
#define THREADLEAK_REACH_SPANS_H

#include "reach/heap.h"

enum reach_span_kind {
    REACH_SPAN_HEAP,
    REACH_SPAN_MALLOC, /* of a heap, before its chunks: malloc's own data, whose addresses do not count */
    REACH_SPAN_MAPPING,
    REACH_SPAN_THREAD_STACK,
    REACH_SPAN_THREAD_TLS,
    REACH_SPAN_THREAD_DESCRIPTOR,
    REACH_SPAN_DEAD, /* of a thread that has ended */
};

struct reach_span {
    uint64_t start, end;
    enum reach_span_kind kind;
    uint32_t index; /* of the heap, thread or dead block */
    bool marked;
};

struct reach_spans {
    struct reach_span *items; /* ascending, disjoint */
    size_t count;
    size_t last; /* of reach_spans_at; no struct reach_spans is a constant object */
    struct reach_heap *heaps;
    size_t heap_count;
    struct reach_range *roots; /* heaps that do not add up */
    size_t root_count;
};

/* False: out of memory. */
bool reach_spans_build(struct reach_spans *spans, const struct reach_image *image);
void reach_spans_release(struct reach_spans *spans);
/* NULL: no object. */
struct reach_span *reach_spans_at(const struct reach_spans *spans, uint64_t address);

/* Finds what malloc keeps in caches, so that it is no reference: marks these chunks as opaque. Adds ranges
 * that contain malloc's lists to `excluded` (free_chunks.c). False: out of memory. */
bool reach_free_chunks_find(struct reach_spans *spans, const struct reach_image *image,
                            struct reach_range **excluded, size_t *excluded_count);

#endif
