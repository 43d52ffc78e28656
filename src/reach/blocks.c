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
#include "base/search.h"

enum {
    MAX_LISTED = 1 << 20,
    ALIGNMENT_ROOM = 1 << 16, /* between descriptor and end of the stack */
    EXITING = 0x10,           /* of cancelhandling */
    MAX_STACK_BITS = 47,
};

struct block {
    uint64_t descriptor;
    struct reach_range whole; /* empty: of the main thread */
    uint64_t guard_size;
    bool cached;
};

static bool is_bounds(const struct reach_glibc *glibc, uint64_t descriptor, const uint64_t words[3])
{
    uint64_t start = words[0], size = words[1], guard = words[2];
    if (!start || start >= descriptor || size >> MAX_STACK_BITS || guard > size || start % 8)
        return false;
    uint64_t end = start + size, least = descriptor + glibc->nptl.size;
    return end >= least && end - least <= glibc->tls_size + ALIGNMENT_ROOM;
}

static void set_bounds(const struct reach_image *image, struct block *block)
{
    const struct reach_glibc *glibc = &image->glibc;
    for (uint64_t at = glibc->nptl.tid + 8; at + 24 <= glibc->nptl.size; at += 8) {
        uint64_t words[3];
        if (!reach_read(image, block->descriptor + at, words, sizeof(words)) ||
            !is_bounds(glibc, block->descriptor, words))
            continue;
        block->whole = (struct reach_range){words[0], words[0] + words[1]};
        block->guard_size = words[2];
        return;
    }
}

#if defined(__x86_64__)
static struct reach_range tls_of(const struct reach_glibc *glibc, uint64_t descriptor)
{
    return (struct reach_range){descriptor - glibc->tls_size, descriptor};
}
#else
static struct reach_range tls_of(const struct reach_glibc *glibc, uint64_t descriptor)
{
    uint64_t start = descriptor + glibc->nptl.size;
    return (struct reach_range){start, start + glibc->tls_size};
}
#endif

/* Threads by thread pointer, or by tid if that is not known. */
struct index {
    struct entry {
        uint64_t key;
        struct reach_thread *thread;
    } * entries;
    size_t count;
};

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return (a->key > b->key) - (a->key < b->key);
}

static bool make_index(struct index *index, const struct reach_image *image)
{
    *index = (struct index){calloc(image->thread_count + 1, sizeof(*index->entries)), image->thread_count};
    if (!index->entries)
        return false;
    for (size_t i = 0; i < image->thread_count; i++) {
        struct reach_thread *thread = &image->threads[i];
        uint64_t key = thread->thread_pointer ? thread->thread_pointer : (uint64_t)thread->own_tid;
        index->entries[i] = (struct entry){key, thread};
    }
    qsort(index->entries, index->count, sizeof(*index->entries), compare_entries);
    return true;
}

static struct reach_thread *find_key(const struct index *index, uint64_t key)
{
    size_t at = SEARCH_FIRST(i, index->count, index->entries[i].key >= key);
    return key && at < index->count && index->entries[at].key == key ? index->entries[at].thread : NULL;
}

static struct reach_thread *find_thread(const struct reach_image *image, const struct index *index,
                                        uint64_t descriptor)
{
    uint32_t tid = 0;
    struct reach_thread *thread = find_key(index, descriptor);
    if (thread)
        return thread;
    reach_read(image, descriptor + image->glibc.nptl.tid, &tid, sizeof(tid));
    return find_key(index, tid);
}

/* The stack ends where thread-local storage begins, and the descriptor where the block ends. */
static void set_parts(const struct reach_image *image, const struct block *block, struct reach_range *stack,
                      struct reach_range *tls, struct reach_range *descriptor)
{
    *tls = tls_of(&image->glibc, block->descriptor);
    *descriptor = (struct reach_range){block->descriptor, block->descriptor + image->glibc.nptl.size};
    if (block->whole.end > descriptor->end && tls->end == descriptor->start)
        descriptor->end = block->whole.end;
    if (tls->start < block->whole.start && block->whole.start < tls->end)
        tls->start = block->whole.start;
    uint64_t lowest = tls->start < descriptor->start ? tls->start : descriptor->start;
    *stack = (struct reach_range){block->whole.start, lowest};
}

/* Data of libc refers to the arguments and the environment, which are above the frames. */
static struct reach_range main_stack(const struct reach_image *image)
{
    for (size_t i = 0; i < image->region_count; i++) {
        const struct reach_region *region = &image->regions[i];
        uint64_t end = image->glibc.stack_end;
        if (region->kind == REACH_STACK)
            return (struct reach_range){region->start,
                                        end > region->start && end < region->end ? end : region->end};
    }
    return (struct reach_range){0, 0};
}

static void set_thread(const struct reach_image *image, const struct block *block,
                       struct reach_thread *thread)
{
    set_parts(image, block, &thread->stack, &thread->tls, &thread->descriptor);
    if (!block->whole.end)
        thread->stack = main_stack(image);
    thread->guard_size = block->guard_size;
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
    reach_read(image, block->descriptor + image->glibc.nptl.cancelhandling, &state, sizeof(state));
    dead->unknown = !block->cached && !(state & EXITING);
    return true;
}

/* False: the list is damaged, or out of memory. */
static bool read_list(struct reach_image *image, const struct index *index, uint64_t head, bool cached)
{
    uint64_t node = reach_word(image, head);
    for (size_t i = 0; node && node != head && i < MAX_LISTED; i++) {
        struct block block = {.descriptor = node - image->glibc.nptl.list, .cached = cached};
        struct reach_thread *thread = find_thread(image, index, block.descriptor);
        set_bounds(image, &block);
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
    struct index index;
    if (!glibc->nptl.used || !glibc->nptl.user || !glibc->nptl.cache || !make_index(&index, image))
        return false;
    bool done = read_list(image, &index, glibc->nptl.used, false) &&
                read_list(image, &index, glibc->nptl.user, false) &&
                read_list(image, &index, glibc->nptl.cache, true);
    free(index.entries);
    return done;
}
