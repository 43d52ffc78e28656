/* Marks objects, and scans them for references to others. */
#include "reach/mark.h"

#include <stdlib.h>

enum { RED_ZONE = 128 /* bytes below the stack pointer that x86_64's functions may use */ };

/* It shrinks as often as it grows, so its capacity does not follow from the number of items. */
static bool grow(struct marker *marker)
{
    size_t capacity = 2 * marker->work_capacity + 1024;
    struct reach_range *grown = realloc(marker->work, capacity * sizeof(*grown));
    if (!grown)
        return false;
    marker->work = grown;
    marker->work_capacity = capacity;
    return true;
}

static void push(struct marker *marker, uint64_t start, uint64_t end)
{
    if (start >= end || marker->failed)
        return;
    if (marker->work_count == marker->work_capacity && !grow(marker))
        marker->failed = true;
    else
        marker->work[marker->work_count++] = (struct reach_range){start, end};
}

/* A range without the excluded parts. */
void marker_push(struct marker *marker, uint64_t start, uint64_t end)
{
    for (size_t i = 0; i < marker->excluded_count; i++) {
        const struct reach_range hole = marker->excluded[i];
        if (hole.end <= start || hole.start >= end)
            continue;
        marker_push(marker, start, hole.start);
        start = hole.end;
        if (start >= end)
            return;
    }
    push(marker, start, end);
}

/* Without the variables of our shim. */
void marker_push_tls(struct marker *marker, const struct reach_thread *thread)
{
    const struct reach_glibc *glibc = &marker->image->glibc;
    uint64_t hole = thread->descriptor.start + (uint64_t)glibc->shim_tls, end = hole + glibc->shim_tls_size;
    if (hole < thread->tls.start || end < hole || end > thread->tls.end)
        hole = end = thread->tls.end;
    marker_push(marker, thread->tls.start, hole);
    marker_push(marker, end, thread->tls.end);
}

static bool is_on_stack(const struct reach_thread *thread, uint64_t sp)
{
    return sp >= thread->stack.start && sp <= thread->stack.end;
}

/* libc's functions that block are no leaves, so they have nothing below the stack pointer. What is there is
 * of calls that are over. The thread that ends the process has left its stack. */
uint64_t reach_stack_in_use(const struct reach_image *image, const struct reach_thread *thread)
{
    const struct reach_range stack = thread->stack;
    if (thread->need == REACH_NEEDS_NEVER && image->end_sp >= stack.start)
        return image->end_sp < stack.end ? image->end_sp : stack.end;
    if (!thread->sp || !is_on_stack(thread, thread->sp))
        return stack.start;
    uint64_t below = thread->in_libc ? 0 : RED_ZONE;
    return thread->sp - stack.start > below ? thread->sp - below : stack.start;
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
        push(marker, reach_stack_in_use(marker->image, &marker->image->threads[span->index]), span->end);
        break;
    case REACH_SPAN_THREAD_DESCRIPTOR:
    case REACH_SPAN_HEAP:
    case REACH_SPAN_MALLOC:
    case REACH_SPAN_DEAD:
        break;
    case REACH_SPAN_THREAD_TLS:
        marker_push_tls(marker, &marker->image->threads[span->index]);
        break;
    case REACH_SPAN_MAPPING:
        marker_push(marker, span->start, span->end);
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

/* Rust's library keeps the guard of each stack: a range that ends at the lowest address of the stack, or as
 * far above it as the guard is long (current_guard in stack_overflow.rs). No frame is in a guard, and a frame
 * that is over was there, if any. */
static bool is_guard(const struct marker *marker, const struct reach_span *span, uint64_t address)
{
    if (span->kind != REACH_SPAN_THREAD_STACK)
        return false;
    const struct reach_thread *thread = &marker->image->threads[span->index];
    uint64_t size = thread->guard_size, end = thread->stack.start + size;
    return size &&
           (address <= end || (address == end + size && address < reach_stack_in_use(marker->image, thread)));
}

/* The descriptor of the thread that ends the process has the address of its oldest frame, for pthread_exit
 * (cleanup_jmp_buf, nptl/descr.h). Only the thread itself uses that. */
static bool is_own_frame(const struct marker *marker, const struct reach_span *span)
{
    const struct reach_thread *thread = &marker->image->threads[span->index];
    const struct reach_holder *holder = &marker->holder;
    return span->kind == REACH_SPAN_THREAD_STACK && thread->need == REACH_NEEDS_NEVER && holder->bytes &&
           holder->at >= thread->descriptor.start && holder->at < thread->descriptor.end;
}

/* Rust's library has a map of all threads, by the addresses of their errno (thread_info.rs). Nobody gets at
 * another variable through errno. */
static bool is_errno(const struct marker *marker, const struct reach_span *span, uint64_t address)
{
    const struct reach_image *image = marker->image;
    return span->kind == REACH_SPAN_THREAD_TLS && image->glibc.errno_at &&
           address == image->threads[span->index].descriptor.start + (uint64_t)image->glibc.errno_at;
}

static bool is_no_reference(const struct marker *marker, const struct reach_span *span, uint64_t address)
{
    return is_guard(marker, span, address) || is_errno(marker, span, address) || is_own_frame(marker, span);
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

void marker_mark(void *arg, uint64_t address)
{
    struct marker *marker = arg;
    struct reach_span *span = span_at(marker, address);
    struct reach_range contents;
    if (span && span->kind == REACH_SPAN_HEAP) {
        if (reach_heap_mark(&marker->spans.heaps[span->index], address, &contents))
            push(marker, contents.start, contents.end);
    } else if (span && !is_no_reference(marker, span, address)) {
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
        reach_scan(&marker->filter, bytes, size, at, marker_mark, marker);
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

void marker_drain(struct marker *marker)
{
    while (marker->work_count && !marker->failed)
        scan_range(marker, marker->work[--marker->work_count]);
}
