/* Marks to the fixpoint: what can run keeps what it refers to, and what is kept lets threads run. */
#include "reach/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "reach/caveat.h"
#include "reach/kept.h"
#include "reach/scan.h"
#include "reach/spans.h"

enum {
    RED_ZONE = 128, /* bytes below the stack pointer that x86_64's functions may use */
    GRAIN = 16,
};

struct marker {
    struct reach_image *image;
    struct reach_spans spans;
    struct reach_filter filter;
    struct reach_span *last_span;         /* where the last address was; NULL: none yet */
    const struct reach_piece *last_piece; /* that was scanned; NULL: none yet */
    struct reach_range *work;             /* to be scanned */
    size_t work_count;
    struct reach_range *excluded; /* never scanned */
    size_t excluded_count;
    struct reach_holder holder; /* of what is being scanned */
    bool failed;                /* out of memory */
};

/* ---- objects ---- */

static void push(struct marker *marker, uint64_t start, uint64_t end)
{
    if (start >= end || marker->failed)
        return;
    if (!ARRAY_GROW(marker->work, marker->work_count))
        marker->failed = true;
    else
        marker->work[marker->work_count++] = (struct reach_range){start, end};
}

/* A range without the excluded parts. */
static void push_root(struct marker *marker, uint64_t start, uint64_t end)
{
    for (size_t i = 0; i < marker->excluded_count; i++) {
        const struct reach_range hole = marker->excluded[i];
        if (hole.end <= start || hole.start >= end)
            continue;
        push_root(marker, start, hole.start);
        start = hole.end;
        if (start >= end)
            return;
    }
    push(marker, start, end);
}

static void mark_chunk(struct marker *marker, const struct reach_heap *heap, uint64_t chunk)
{
    uint64_t index = (chunk - heap->start) / GRAIN;
    if (reach_bit(heap->marks, index))
        return;
    reach_bit_set(heap->marks, index);
    if (reach_bit(heap->opaque, index))
        return;
    const struct reach_range contents = reach_heap_contents(heap, chunk);
    push(marker, contents.start, contents.end);
}

/* The contents of a chunk begin after its header. The end of the chunk before it is in the header: its last 8
 * bytes are there. */
static uint64_t chunk_with(const struct reach_heap *heap, uint64_t address)
{
    uint64_t chunk = reach_heap_chunk(heap, address);
    return address - chunk < GRAIN && chunk > heap->start ? reach_heap_chunk(heap, chunk - 1) : chunk;
}

static void mark_in_heap(struct marker *marker, const struct reach_heap *heap, uint64_t address)
{
    uint64_t chunk = chunk_with(heap, address);
    if (address - chunk >= GRAIN)
        mark_chunk(marker, heap, chunk);
}

/* Without the variables of our shim. */
static void push_tls(struct marker *marker, const struct reach_thread *thread)
{
    const struct reach_glibc *glibc = &marker->image->glibc;
    uint64_t hole = thread->descriptor.start + (uint64_t)glibc->shim_tls, end = hole + glibc->shim_tls_size;
    if (hole < thread->tls.start || end < hole || end > thread->tls.end)
        hole = end = thread->tls.end;
    push_root(marker, thread->tls.start, hole);
    push_root(marker, end, thread->tls.end);
}

static uint64_t stack_in_use(const struct reach_thread *thread)
{
    uint64_t low = thread->sp - RED_ZONE;
    return thread->sp && low >= thread->stack.start && thread->sp <= thread->stack.end ? low
                                                                                       : thread->stack.start;
}

/* Of a descriptor only libc uses the contents: for other threads it is only a handle. An address on the stack
 * of a thread that has ended is an old one. */
static void mark_span(struct marker *marker, struct reach_span *span)
{
    if (span->marked)
        return;
    span->marked = true;
    switch (span->kind) {
    case REACH_SPAN_THREAD_STACK:
        push(marker, stack_in_use(&marker->image->threads[span->index]), span->end);
        break;
    case REACH_SPAN_THREAD_DESCRIPTOR:
    case REACH_SPAN_HEAP:
    case REACH_SPAN_DEAD:
        break;
    case REACH_SPAN_THREAD_TLS:
        push_tls(marker, &marker->image->threads[span->index]);
        break;
    case REACH_SPAN_MAPPING:
        push(marker, span->start, span->end);
        break;
    }
}

/* Most addresses are in the same heap as the one before. */
static struct reach_span *span_at(struct marker *marker, uint64_t address)
{
    struct reach_span *last = marker->last_span;
    if (last && address >= last->start && address < last->end)
        return last;
    struct reach_span *span = reach_spans_at(&marker->spans, address);
    marker->last_span = span ? span : last;
    return span;
}

/* The address can be a handle. */
static void keep_handle(struct marker *marker, const struct reach_span *span, uint64_t address)
{
    struct reach_holder holder = marker->holder;
    if (!marker->image->handle_count ||
        (span->kind != REACH_SPAN_THREAD_DESCRIPTOR && span->kind != REACH_SPAN_DEAD))
        return;
    if (holder.bytes)
        reach_holder_of_memory(&holder, reach_spans_at(&marker->spans, holder.at));
    reach_keep(marker->image, span, address, &holder);
}

static void mark(void *arg, uint64_t address)
{
    struct marker *marker = arg;
    struct reach_span *span = span_at(marker, address);
    if (span && span->kind == REACH_SPAN_HEAP)
        mark_in_heap(marker, &marker->spans.heaps[span->index], address);
    else if (span) {
        mark_span(marker, span);
        keep_handle(marker, span, address);
    }
    if (span && address > span->start)
        return;
    /* One past its end. */
    struct reach_span *before = address ? reach_spans_at(&marker->spans, address - 1) : NULL;
    if (before && before->kind == REACH_SPAN_MAPPING)
        mark_span(marker, before);
}

static const struct reach_piece *piece_at(struct marker *marker, uint64_t address)
{
    const struct reach_piece *last = marker->last_piece;
    if (!last || address < last->start || address - last->start >= last->size)
        last = marker->last_piece = reach_piece_at(marker->image, address);
    return last;
}

/* In blocks, so that a handle is found again where it is. They overlap by less than a word. */
static void scan_piece(struct marker *marker, const struct reach_piece *piece, uint64_t start, uint64_t end)
{
    for (uint64_t at = start; at < end; at += HOLDER_BYTES) {
        const unsigned char *bytes = piece->bytes + (at - piece->start);
        size_t most = HOLDER_BYTES + sizeof(uint64_t) - 1, size = end - at < most ? end - at : most;
        marker->holder = (struct reach_holder){.bytes = bytes, .size = size, .at = at};
        reach_scan(&marker->filter, bytes, size, at, mark, marker);
    }
}

static void scan_range(struct marker *marker, struct reach_range range)
{
    const struct reach_image *image = marker->image;
    const struct reach_piece *piece = piece_at(marker, range.start);
    for (; piece && piece < image->pieces + image->piece_count && piece->start < range.end; piece++) {
        uint64_t start = range.start > piece->start ? range.start : piece->start;
        uint64_t end = piece->start + piece->size < range.end ? piece->start + piece->size : range.end;
        if (start < end)
            scan_piece(marker, piece, start, end);
    }
}

static void drain(struct marker *marker)
{
    while (marker->work_count && !marker->failed)
        scan_range(marker, marker->work[--marker->work_count]);
}

/* ---- threads ---- */

static void push_registers(struct marker *marker, const struct reach_thread *thread)
{
    marker->holder = (struct reach_holder){
        .keeper = REACH_KEPT_REGISTER, .thread = (size_t)(thread - marker->image->threads), .dead = SIZE_MAX};
    for (size_t i = 0; i < thread->word_count; i++) {
        unsigned char bytes[8 + REACH_SLACK] = {0};
        memcpy(bytes, &thread->words[i], 8);
        reach_scan(&marker->filter, bytes, 8, 0, mark, marker);
    }
    if (thread->vector_size)
        reach_scan(&marker->filter, thread->vectors, thread->vector_size, 0, mark, marker);
}

static void push_descriptor(struct marker *marker, struct reach_range descriptor)
{
    uint64_t list = descriptor.start + marker->image->glibc.nptl.list;
    push_root(marker, descriptor.start, list);
    push_root(marker, list + 16, descriptor.end);
}

/* A stack that libc did not make: all of the object that it is in. */
static void push_unknown_stack(struct marker *marker, const struct reach_thread *thread)
{
    if (!thread->sp)
        return;
    mark(marker, thread->sp);
    const struct reach_region *region = reach_region_at(marker->image, thread->sp);
    if (region && !reach_spans_at(&marker->spans, thread->sp))
        push_root(marker, region->start, region->end);
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
static void push_thread(struct marker *marker, const struct reach_thread *thread)
{
    if (thread->has_block) {
        push_tls(marker, thread);
        push_descriptor(marker, thread->descriptor);
        set_marked(marker, thread->tls);
    }
    if (thread->need == REACH_NEEDS_NEVER)
        return;
    if (thread->has_block) {
        push_root(marker, stack_in_use(thread), thread->stack.end);
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
    uint64_t index = (chunk_with(heap, address) - heap->start) / GRAIN;
    *freed = reach_bit(heap->opaque, index);
    return reach_bit(heap->marks, index);
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

static void add_caveats(struct marker *marker)
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

static void mark_threads(struct marker *marker)
{
    bool more = true;
    while (more && !marker->failed) {
        more = false;
        drain(marker);
        for (size_t i = 0; i < marker->image->thread_count; i++) {
            struct reach_thread *thread = &marker->image->threads[i];
            if (thread->live || !can_run(marker, thread))
                continue;
            thread->live = more = true;
            thread->caveats = 0;
            push_thread(marker, thread);
        }
    }
}

/* ---- roots ---- */

static void push_dead(struct marker *marker)
{
    const struct reach_image *image = marker->image;
    for (size_t i = 0; i < image->dead_count; i++) {
        const struct reach_dead_block *dead = &image->dead[i];
        uint64_t result = dead->descriptor.start + image->glibc.nptl.result;
        if (dead->unknown || (!dead->cached && !image->glibc.nptl.result)) {
            push_root(marker, dead->stack.start, dead->stack.end);
            push_descriptor(marker, dead->descriptor);
        } else if (!dead->cached)
            push_root(marker, result, result + 8);
    }
}

static void push_roots(struct marker *marker)
{
    const struct reach_image *image = marker->image;
    for (size_t i = 0; i < image->region_count; i++)
        if (image->regions[i].kind == REACH_ROOT)
            push_root(marker, image->regions[i].start, image->regions[i].end);
        else if (image->regions[i].kind == REACH_STACK && image->glibc.stack_end > image->regions[i].start)
            push_root(marker, image->glibc.stack_end, image->regions[i].end);
    for (size_t i = 0; i < marker->spans.root_count; i++)
        push_root(marker, marker->spans.roots[i].start, marker->spans.roots[i].end);
    for (size_t i = 0; i < image->thread_count; i++)
        if (image->threads[i].need == REACH_NEEDS_NEVER)
            push_thread(marker, &image->threads[i]);
    push_dead(marker);
    marker->holder = (struct reach_holder){.keeper = REACH_KEPT_KERNEL, .dead = SIZE_MAX};
    if (image->kernel_size)
        reach_scan(&marker->filter, image->kernel, image->kernel_size, 0, mark, marker);
}

/* For handles, what a thread stores that waits for ever counts, too: it is stored. Of the thread that ends
 * the process it is what its frames of the program have. */
static void mark_waiting(struct marker *marker)
{
    struct reach_image *image = marker->image;
    for (size_t i = 0; i < image->thread_count && image->handle_count; i++) {
        const struct reach_thread *thread = &image->threads[i];
        uint64_t sp = image->end_sp >= thread->stack.start ? image->end_sp : thread->stack.start;
        if (thread->need == REACH_NEEDS_NEVER && thread->has_block)
            push_root(marker, sp, thread->stack.end);
        else if (!thread->live)
            push_thread(marker, thread);
    }
    drain(marker);
}

/* glibc's three lists of threads are in a row. */
static bool exclude_lists(struct marker *marker)
{
    const struct reach_glibc *glibc = &marker->image->glibc;
    const uint64_t heads[] = {glibc->nptl.used, glibc->nptl.user, glibc->nptl.cache};
    for (size_t i = 0; i < 3; i++) {
        if (!ARRAY_GROW(marker->excluded, marker->excluded_count))
            return false;
        marker->excluded[marker->excluded_count++] = (struct reach_range){heads[i], heads[i] + 16};
    }
    return true;
}

static void make_filter(struct marker *marker)
{
    marker->filter = (struct reach_filter){.guard = marker->image->guard};
    for (size_t i = 0; i < marker->spans.count; i++)
        reach_filter_add(&marker->filter, marker->spans.items[i].start, marker->spans.items[i].end);
    reach_filter_finish(&marker->filter);
}

bool reach_mark(struct reach_image *image)
{
    struct marker marker = {.image = image};
    bool done = reach_spans_build(&marker.spans, image) && exclude_lists(&marker) &&
                reach_free_chunks_find(&marker.spans, image, &marker.excluded, &marker.excluded_count);
    if (done) {
        reach_handles_find(image, &marker.spans);
        make_filter(&marker);
        push_roots(&marker);
        mark_threads(&marker);
        add_caveats(&marker);
        mark_waiting(&marker);
        done = !marker.failed;
    }
    reach_spans_release(&marker.spans);
    free(marker.work);
    free(marker.excluded);
    return done;
}
