#include "reach/kept.h"

#include <stdlib.h>
#include <string.h>

#include "base/search.h"
#include "reach/collector.h"
#include "reach/scan.h"

enum {
    TAG = 7,     /* low bits that a program may use */
    POINTER = 6, /* bytes of an address */
};

/* ---- wanted ---- */

static int compare(const void *left, const void *right)
{
    const struct reach_handle *a = left, *b = right;
    return (a->handle > b->handle) - (a->handle < b->handle);
}

bool reach_want_handles(struct reach_collector *collector, const uint64_t *handles, size_t count)
{
    struct reach_handle *items = calloc(count + 1, sizeof(*items));
    if (!items)
        return false;
    for (size_t i = 0; i < count; i++)
        items[i].handle = handles[i];
    qsort(items, count, sizeof(*items), compare);
    free(collector->handles);
    collector->handles = items;
    collector->handle_count = count;
    return true;
}

void reach_set_end(struct reach_collector *collector, uint64_t sp)
{
    collector->end_sp = sp;
}

const struct reach_handle *reach_handles(const struct reach_collector *collector, size_t *count)
{
    *count = collector->handle_count;
    return collector->handles;
}

static struct reach_handle *find(const struct reach_image *image, uint64_t handle)
{
    size_t at = SEARCH_FIRST(i, image->handle_count, image->handles[i].handle >= handle);
    return at < image->handle_count && image->handles[at].handle == handle ? &image->handles[at] : NULL;
}

static uint64_t descriptor_of(const struct reach_image *image, const struct reach_span *span)
{
    if (span->kind == REACH_SPAN_THREAD_DESCRIPTOR)
        return span->start;
    return span->kind == REACH_SPAN_DEAD ? image->dead[span->index].descriptor.start : 0;
}

static void set_known(struct reach_image *image, const struct reach_spans *spans, uint64_t descriptor)
{
    struct reach_handle *handle = find(image, descriptor);
    const struct reach_span *span = handle ? reach_spans_at(spans, descriptor) : NULL;
    if (span)
        handle->known = descriptor_of(image, span) == descriptor;
}

void reach_handles_find(struct reach_image *image, const struct reach_spans *spans)
{
    for (size_t i = 0; i < image->handle_count; i++)
        image->handles[i] = (struct reach_handle){.handle = image->handles[i].handle};
    for (size_t i = 0; image->handle_count && i < image->thread_count; i++)
        if (image->threads[i].has_block)
            set_known(image, spans, image->threads[i].descriptor.start);
    for (size_t i = 0; image->handle_count && i < image->dead_count; i++)
        if (!image->dead[i].cached && !image->dead[i].unknown)
            set_known(image, spans, image->dead[i].descriptor.start);
}

/* ---- found ---- */

void reach_holder_of_memory(struct reach_holder *holder, const struct reach_span *span)
{
    static const enum reach_keeper keepers[] = {
        [REACH_SPAN_HEAP] = REACH_KEPT_HEAP,       [REACH_SPAN_MALLOC] = REACH_KEPT_HEAP,
        [REACH_SPAN_MAPPING] = REACH_KEPT_MAPPING, [REACH_SPAN_THREAD_STACK] = REACH_KEPT_STACK,
        [REACH_SPAN_THREAD_TLS] = REACH_KEPT_TLS,  [REACH_SPAN_THREAD_DESCRIPTOR] = REACH_KEPT_DESCRIPTOR,
        [REACH_SPAN_DEAD] = REACH_KEPT_MAPPING,
    };
    holder->keeper = span ? keepers[span->kind] : REACH_KEPT_DATA;
    holder->thread = span ? span->index : SIZE_MAX;
    holder->dead = span && span->kind == REACH_SPAN_DEAD ? span->index : SIZE_MAX;
}

static bool is_of_thread(enum reach_keeper keeper)
{
    return keeper == REACH_KEPT_STACK || keeper == REACH_KEPT_TLS || keeper == REACH_KEPT_DESCRIPTOR ||
           keeper == REACH_KEPT_REGISTER;
}

/* Is it what a thread stores about itself? Or does the descriptor of a thread that is being joined have the
 * handle of the thread that joins it (joinid)? */
static bool is_none(const struct reach_image *image, const struct reach_span *span,
                    const struct reach_holder *holder)
{
    if (span->kind == REACH_SPAN_DEAD)
        return holder->dead == span->index;
    if (!is_of_thread(holder->keeper))
        return false;
    const struct reach_thread *thread = &image->threads[span->index];
    return holder->thread == span->index ||
           (holder->keeper == REACH_KEPT_DESCRIPTOR && thread->need == REACH_NEEDS_THREAD &&
            thread->owner == holder->thread);
}

/* The place of a word, which is not below `from`. UINT64_MAX: none. */
static uint64_t find_word(const struct reach_holder *holder, uint64_t from, uint64_t word)
{
    size_t skipped = from - holder->at, size = holder->size + POINTER - 1;
    const unsigned char *found =
        skipped < size ? memmem(holder->bytes + skipped, size - skipped, &word, POINTER) : NULL;
    return found ? holder->at + (uint64_t)(found - holder->bytes) : UINT64_MAX;
}

/* 0: it is mangled. UINT64_MAX: only locks have it. */
static uint64_t place_of(const struct reach_image *image, const struct reach_holder *holder, uint64_t handle)
{
    uint64_t place = 0;
    for (uint64_t tag = 0; holder->bytes && tag <= TAG; tag++) {
        uint64_t at = find_word(holder, holder->at, handle | tag);
        for (; !tag && at != UINT64_MAX && reach_is_lock_owner(image, at);
             at = find_word(holder, at + 1, handle))
            place = UINT64_MAX;
        if (at != UINT64_MAX)
            return at;
    }
    return place;
}

/* Is it on the stack of the thread that ends the process, below the frames of the program? */
static bool is_over(const struct reach_image *image, const struct reach_holder *holder, uint64_t at)
{
    return holder->keeper == REACH_KEPT_STACK && at && at < image->end_sp &&
           image->threads[holder->thread].need == REACH_NEEDS_NEVER;
}

/* A pointer into the descriptor is no handle. */
void reach_keep(struct reach_image *image, const struct reach_span *span, uint64_t address,
                const struct reach_holder *holder)
{
    uint64_t descriptor = image->handle_count ? descriptor_of(image, span) : 0;
    struct reach_handle *handle = descriptor && address - descriptor <= TAG ? find(image, descriptor) : NULL;
    if (!handle || is_none(image, span, holder) ||
        (handle->keeper != REACH_KEPT_NOWHERE && handle->keeper <= holder->keeper))
        return;
    uint64_t at = place_of(image, holder, descriptor);
    if (at == UINT64_MAX || is_over(image, holder, at))
        return;
    *handle = (struct reach_handle){descriptor, true, holder->keeper, at, holder->thread};
}
