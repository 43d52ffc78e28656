/*
 * Stacks, thread-local storage and descriptors of threads.
 *
 * glibc has three lists of them: in use, with memory of the program (the main thread is there, too), and
 * cached for new threads. A descriptor has the bounds of its stack: three words, stackblock, stackblock_size
 * and guardsize (nptl/descr.h). Their place depends on the version, so they are searched.
 */
#include "reach/image.h"

#include <stdlib.h>

#include "base/array.h"

enum {
    MAX_LISTED = 1 << 20,
    ALIGNMENT_ROOM = 1 << 16, /* between descriptor and end of the stack */
    EXITING = 0x10,           /* of cancelhandling */
    MAX_STACK_BITS = 47,
};

struct block {
    uint64_t descriptor;
    struct reach_range whole; /* empty: of the main thread */
    bool cached;
};

static bool is_bounds(const struct reach_glibc *glibc, uint64_t descriptor, const uint64_t words[3])
{
    uint64_t start = words[0], size = words[1], guard = words[2];
    if (!start || start >= descriptor || size >> MAX_STACK_BITS || guard > size || start % 8)
        return false;
    uint64_t end = start + size, least = descriptor + glibc->size;
    return end >= least && end - least <= glibc->tls_size + ALIGNMENT_ROOM;
}

static struct reach_range bounds_of(const struct reach_image *image, uint64_t descriptor)
{
    const struct reach_glibc *glibc = &image->glibc;
    for (uint64_t at = glibc->tid + 8; at + 24 <= glibc->size; at += 8) {
        uint64_t words[3];
        if (reach_read(image, descriptor + at, words, sizeof(words)) && is_bounds(glibc, descriptor, words))
            return (struct reach_range){words[0], words[0] + words[1]};
    }
    return (struct reach_range){0, 0};
}

#if defined(__x86_64__)
static struct reach_range tls_of(const struct reach_glibc *glibc, uint64_t descriptor)
{
    return (struct reach_range){descriptor - glibc->tls_size, descriptor};
}
#else
static struct reach_range tls_of(const struct reach_glibc *glibc, uint64_t descriptor)
{
    uint64_t start = descriptor + glibc->size;
    return (struct reach_range){start, start + glibc->tls_size};
}
#endif

static struct reach_thread *find_thread(const struct reach_image *image, uint64_t descriptor)
{
    int32_t tid = 0;
    reach_read(image, descriptor + image->glibc.tid, &tid, sizeof(tid));
    for (size_t i = 0; i < image->thread_count; i++) {
        struct reach_thread *thread = &image->threads[i];
        if (thread->thread_pointer ? thread->thread_pointer == descriptor : tid && thread->own_tid == tid)
            return thread;
    }
    return NULL;
}

/* The stack ends where thread-local storage begins, and the descriptor where the block ends. */
static void set_parts(const struct reach_image *image, const struct block *block, struct reach_range *stack,
                      struct reach_range *tls, struct reach_range *descriptor)
{
    *tls = tls_of(&image->glibc, block->descriptor);
    *descriptor = (struct reach_range){block->descriptor, block->descriptor + image->glibc.size};
    if (block->whole.end > descriptor->end && tls->end == descriptor->start)
        descriptor->end = block->whole.end;
    if (tls->start < block->whole.start && block->whole.start < tls->end)
        tls->start = block->whole.start;
    uint64_t lowest = tls->start < descriptor->start ? tls->start : descriptor->start;
    *stack = (struct reach_range){block->whole.start, lowest};
}

static struct reach_range main_stack(const struct reach_image *image)
{
    for (size_t i = 0; i < image->region_count; i++)
        if (image->regions[i].kind == REACH_STACK)
            return (struct reach_range){image->regions[i].start, image->regions[i].end};
    return (struct reach_range){0, 0};
}

static void set_thread(const struct reach_image *image, const struct block *block,
                       struct reach_thread *thread)
{
    set_parts(image, block, &thread->stack, &thread->tls, &thread->descriptor);
    if (!block->whole.end)
        thread->stack = main_stack(image);
    thread->has_block = thread->stack.end != 0;
}

static bool add_dead(struct reach_image *image, const struct block *block)
{
    struct reach_range tls;
    uint32_t state = 0;
    if (!block->whole.end)
        return true;
    if (!ARRAY_GROW(image->dead, image->dead_count))
        return false;
    struct reach_dead_block *dead = &image->dead[image->dead_count++];
    *dead = (struct reach_dead_block){.cached = block->cached};
    set_parts(image, block, &dead->stack, &tls, &dead->descriptor);
    /* One object: nothing of it is in use. */
    dead->stack.end = dead->descriptor.start;
    reach_read(image, block->descriptor + image->glibc.cancelhandling, &state, sizeof(state));
    dead->unknown = !block->cached && !(state & EXITING);
    return true;
}

/* False: the list is damaged, or out of memory. */
static bool read_list(struct reach_image *image, uint64_t head, bool cached)
{
    uint64_t node = reach_word(image, head);
    for (size_t i = 0; node && node != head && i < MAX_LISTED; i++) {
        struct block block = {.descriptor = node - image->glibc.list, .cached = cached};
        struct reach_thread *thread = find_thread(image, block.descriptor);
        block.whole = bounds_of(image, block.descriptor);
        if (thread && !thread->has_block)
            set_thread(image, &block, thread);
        else if (!thread && !add_dead(image, &block))
            return false;
        node = reach_word(image, node);
    }
    return node == head;
}

bool reach_blocks_find(struct reach_image *image)
{
    const struct reach_glibc *glibc = &image->glibc;
    return glibc->used && glibc->user && glibc->cache && read_list(image, glibc->used, false) &&
           read_list(image, glibc->user, false) && read_list(image, glibc->cache, true);
}
