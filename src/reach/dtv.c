/*
 * The tables of thread-local storage of threads (dtv): a thread finds its own blocks there, and no other
 * thread does. The loader allocates that of the main thread in memory of its own, which is reachable.
 */
#include "base/array.h"
#include "reach/mark.h"

enum { MAX_ENTRIES = 4096, ENTRY = 16 /* struct dtv_pointer: the block, and what to free */ };

/* The length is in the entry before the first one, which is the generation. Empty: unknown. */
static struct reach_range table_of(const struct reach_image *image, const struct reach_thread *thread)
{
    uint64_t offset = image->glibc.nptl.dtv, length;
    uint64_t table = thread->has_block && offset ? reach_word(image, thread->descriptor.start + offset) : 0;
    if (table % ENTRY || !reach_read(image, table - ENTRY, &length, sizeof(length)) || length > MAX_ENTRIES)
        return (struct reach_range){0, 0};
    return (struct reach_range){table - ENTRY, table + ENTRY * (length + 1)};
}

static bool is_main(const struct reach_image *image, const struct reach_thread *thread)
{
    const struct reach_region *region =
        thread->has_block ? reach_region_at(image, thread->stack.end - 1) : NULL;
    return region && region->kind == REACH_STACK;
}

bool marker_exclude_table_of_main(struct marker *marker)
{
    const struct reach_image *image = marker->image;
    struct reach_range table = {0, 0};
    for (size_t i = 0; i < image->thread_count && table.start == table.end; i++)
        if (is_main(image, &image->threads[i]))
            table = table_of(image, &image->threads[i]);
    const struct reach_span *span = reach_spans_at(&marker->spans, table.start);
    if (table.start == table.end || (span && span->kind == REACH_SPAN_HEAP))
        return true;
    if (!ARRAY_GROW(marker->excluded, marker->excluded_count))
        return false;
    marker->excluded[marker->excluded_count++] = table;
    return true;
}

void marker_push_table(struct marker *marker, const struct reach_thread *thread)
{
    const struct reach_range table = table_of(marker->image, thread);
    for (uint64_t at = table.start; at < table.end; at += sizeof(at))
        marker_mark(marker, reach_word(marker->image, at));
}
