/* Marks to the fixpoint: what can run keeps what it refers to, and what is kept lets threads run. */
#include "reach/mark.h"

#include <stdlib.h>

#include "base/array.h"

static void push_dead(struct marker *marker)
{
    const struct reach_image *image = marker->image;
    for (size_t i = 0; i < image->dead_count; i++) {
        const struct reach_dead_block *dead = &image->dead[i];
        uint64_t result = dead->descriptor.start + image->glibc.nptl.result;
        if (dead->unknown || (!dead->cached && !image->glibc.nptl.result)) {
            marker_push(marker, dead->stack.start, dead->stack.end);
            marker_push_descriptor(marker, dead->descriptor);
        } else if (!dead->cached)
            marker_push(marker, result, result + 8);
    }
}

static void push_roots(struct marker *marker)
{
    const struct reach_image *image = marker->image;
    for (size_t i = 0; i < image->region_count; i++)
        if (image->regions[i].kind == REACH_ROOT)
            marker_push(marker, image->regions[i].start, image->regions[i].end);
        else if (image->regions[i].kind == REACH_STACK && image->glibc.stack_end > image->regions[i].start)
            marker_push(marker, image->glibc.stack_end, image->regions[i].end);
    for (size_t i = 0; i < marker->spans.root_count; i++)
        marker_push(marker, marker->spans.roots[i].start, marker->spans.roots[i].end);
    for (size_t i = 0; i < image->thread_count; i++)
        if (image->threads[i].need == REACH_NEEDS_NEVER)
            marker_push_thread(marker, &image->threads[i]);
    push_dead(marker);
    marker->holder = (struct reach_holder){.keeper = REACH_KEPT_KERNEL, .dead = SIZE_MAX};
    if (image->kernel_size)
        reach_scan(&marker->filter, image->kernel, image->kernel_size, 0, marker_mark, marker);
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
            marker_push(marker, sp, thread->stack.end);
        else if (!thread->live)
            marker_push_thread(marker, thread);
    }
    marker_drain(marker);
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
                marker_exclude_table_of_main(&marker) &&
                reach_free_chunks_find(&marker.spans, image, &marker.excluded, &marker.excluded_count);
    if (done) {
        reach_handles_find(image, &marker.spans);
        make_filter(&marker);
        push_roots(&marker);
        marker_run_threads(&marker);
        marker_add_caveats(&marker);
        mark_waiting(&marker);
        done = !marker.failed;
    }
    reach_spans_release(&marker.spans);
    free(marker.work);
    free(marker.excluded);
    return done;
}
