/* What threads refer to, and which of them can run. */
#include <string.h>

#include "reach/caveat.h"
#include "reach/mark.h"

static void push_registers(struct marker *marker, const struct reach_thread *thread)
{
    marker->holder = (struct reach_holder){
        .keeper = REACH_KEPT_REGISTER, .thread = (size_t)(thread - marker->image->threads), .dead = SIZE_MAX};
    for (size_t i = 0; i < thread->word_count; i++) {
        unsigned char bytes[8 + REACH_SLACK] = {0};
        memcpy(bytes, &thread->words[i], 8);
        reach_scan(&marker->filter, bytes, 8, 0, marker_mark, marker);
    }
    if (thread->unknown_registers)
        marker_mark(marker, thread->argument);
    if (thread->vector_size)
        reach_scan(&marker->filter, thread->vectors, thread->vector_size, 0, marker_mark, marker);
}

void marker_push_descriptor(struct marker *marker, struct reach_range descriptor)
{
    uint64_t list = descriptor.start + marker->image->glibc.nptl.list;
    marker_push(marker, descriptor.start, list);
    marker_push(marker, list + 16, descriptor.end);
}

/* A stack that libc did not make: all of the object that it is in. */
static void push_unknown_stack(struct marker *marker, const struct reach_thread *thread)
{
    if (!thread->sp)
        return;
    marker_mark(marker, thread->sp);
    const struct reach_region *region = reach_region_at(marker->image, thread->sp);
    if (region && !reach_spans_at(&marker->spans, thread->sp))
        marker_push(marker, region->start, region->end);
}

static bool is_on_own_stack(const struct reach_thread *thread)
{
    return thread->has_block && thread->sp >= thread->stack.start && thread->sp <= thread->stack.end;
}

/* A thread needs no reference to what is on its own stack and in its thread-local storage. */
static void set_marked(const struct marker *marker, struct reach_range range)
{
    struct reach_span *span = range.start < range.end ? reach_spans_at(&marker->spans, range.start) : NULL;
    if (span && span->start == range.start && span->end == range.end)
        span->marked = true;
}

/* Its stack may be another one for a while: of a signal handler, or a coroutine. Then all of its own stack
 * counts. */
void marker_push_thread(struct marker *marker, const struct reach_thread *thread)
{
    if (thread->has_block) {
        marker_push_tls(marker, thread);
        marker_push_table(marker, thread);
        marker_push_descriptor(marker, thread->descriptor);
        set_marked(marker, thread->tls);
    }
    if (thread->need == REACH_NEEDS_NEVER)
        return;
    if (thread->has_block) {
        marker_push(marker, reach_stack_in_use(marker->image, thread), thread->stack.end);
        set_marked(marker, thread->stack);
    }
    if (!is_on_own_stack(thread))
        push_unknown_stack(marker, thread);
    push_registers(marker, thread);
}

static bool is_address_marked(const struct marker *marker, uint64_t address, bool *freed)
{
    const struct reach_span *span = reach_spans_at(&marker->spans, address);
    *freed = false;
    if (!span) /* a root, or not understood */
        return true;
    if (span->kind != REACH_SPAN_HEAP)
        return span->marked;
    const struct reach_heap *heap = &marker->spans.heaps[span->index];
    return reach_heap_is_marked(heap, address, freed);
}

static bool can_run(const struct marker *marker, struct reach_thread *thread)
{
    bool freed = false;
    switch (thread->need) {
    case REACH_NEEDS_NOTHING:
        return true;
    case REACH_NEEDS_THREAD:
        return thread->owner >= marker->image->thread_count || marker->image->threads[thread->owner].live;
    case REACH_NEEDS_OBJECT:
        if (is_address_marked(marker, thread->address, &freed))
            return true;
        thread->caveats |= freed ? REACH_BIT(FREED) : 0;
        return false;
    case REACH_NEEDS_NEVER:
        return false;
    }
    return true;
}

/* Is its handle reachable? */
static bool has_handle(const struct marker *marker, const struct reach_thread *thread)
{
    const struct reach_span *span = reach_spans_at(&marker->spans, thread->descriptor.start);
    return !span || span->marked || span->kind == REACH_SPAN_HEAP;
}

void marker_add_caveats(struct marker *marker)
{
    struct reach_image *image = marker->image;
    for (size_t i = 0; i < image->thread_count; i++) {
        struct reach_thread *thread = &image->threads[i];
        if (thread->live && thread->unknown_registers)
            image->caveats |= REACH_BIT(UNSTOPPED);
        if (thread->live && !is_on_own_stack(thread))
            image->caveats |= REACH_BIT(UNKNOWN_STACK);
        if (!thread->live && image->uses_cancel && has_handle(marker, thread))
            thread->caveats |= REACH_BIT(CANCEL);
    }
}

void marker_run_threads(struct marker *marker)
{
    bool more = true;
    while (more && !marker->failed) {
        more = false;
        marker_drain(marker);
        for (size_t i = 0; i < marker->image->thread_count; i++) {
            struct reach_thread *thread = &marker->image->threads[i];
            if (thread->live || !can_run(marker, thread))
                continue;
            thread->live = more = true;
            thread->caveats = 0;
            marker_push_thread(marker, thread);
        }
    }
}
