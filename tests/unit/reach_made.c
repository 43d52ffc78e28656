#include "reach_made.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 1 << 14,    /* bytes of a thread's stack, thread-local storage and descriptor */
    DESCRIPTOR = 0x900, /* bytes */
    TLS = 0x100,
    LIST = 704, /* offsets in the descriptor, as in glibc 2.36 */
    TID = 720,
    CANCELHANDLING = 776,
    RESULT = 1584,
    STACKBLOCK = 1680,
    TOP = 4096, /* bytes of the top chunk */
};

#define BLOCKS (MADE_MMAP + 0x100000)
#define LISTS (MADE_LIBC + 0x100)

static void *memory_at(struct made *made, uint64_t address, size_t size)
{
    const struct reach_piece *piece = reach_piece_at(&made->image, address);
    ck_assert(piece && address >= piece->start && address - piece->start + size <= piece->size);
    return (unsigned char *)(uintptr_t)piece->bytes + (address - piece->start);
}

void made_write_bytes(struct made *made, uint64_t address, const void *bytes, size_t size)
{
    memcpy(memory_at(made, address, size), bytes, size);
}

void made_write(struct made *made, uint64_t address, uint64_t word)
{
    made_write_bytes(made, address, &word, sizeof(word));
}

static int compare_pieces(const void *left, const void *right)
{
    const struct reach_piece *a = left, *b = right;
    return (a->start > b->start) - (a->start < b->start);
}

static int compare_regions(const void *left, const void *right)
{
    const struct reach_region *a = left, *b = right;
    return (a->start > b->start) - (a->start < b->start);
}

void made_region(struct made *made, uint64_t start, size_t words, enum reach_region_kind kind)
{
    unsigned char *bytes = calloc(1, words * 8 + REACH_SLACK);
    ck_assert(bytes && made->image.piece_count < 16);
    made->pieces[made->image.piece_count++] = (struct reach_piece){start, words * 8, bytes};
    made->regions[made->image.region_count++] = (struct reach_region){start, start + words * 8, kind};
    qsort(made->pieces, made->image.piece_count, sizeof(*made->pieces), compare_pieces);
    qsort(made->regions, made->image.region_count, sizeof(*made->regions), compare_regions);
}

static void add_to_list(struct made *made, uint64_t head, uint64_t node)
{
    uint64_t first = reach_word(&made->image, head);
    made_write(made, node, first);
    made_write(made, node + 8, head);
    made_write(made, head, node);
}

static void add_thread(struct made *made, uint64_t descriptor, uint64_t head)
{
    size_t index = made->image.thread_count++;
    struct reach_thread *thread = &made->threads[index];
    int32_t tid = 100 + (int32_t)index;
    ck_assert(index < MADE_THREADS);
    *thread = (struct reach_thread){.tid = tid, .own_tid = tid, .thread_pointer = descriptor};
    thread->words = made->registers[index];
    thread->word_count = 4;
    made_write_bytes(made, descriptor + TID, &tid, sizeof(tid));
    add_to_list(made, head, descriptor + LIST);
}

struct made *made_new(void)
{
    struct made *made = calloc(1, sizeof(*made));
    ck_assert(made);
    made->image.pieces = made->pieces;
    made->image.regions = made->regions;
    made->image.threads = made->threads;
    made->image.guard = MADE_GUARD;
    made->image.glibc = (struct reach_glibc){.nptl = {.used = LISTS,
                                                      .user = LISTS + 16,
                                                      .cache = LISTS + 32,
                                                      .list = LIST,
                                                      .tid = TID,
                                                      .cancelhandling = CANCELHANDLING,
                                                      .result = RESULT,
                                                      .size = DESCRIPTOR},
                                             .tls_size = TLS,
                                             .libc_start = MADE_LIBC,
                                             .libc_end = MADE_LIBC + 4096};
    made_region(made, MADE_DATA, 512, REACH_ROOT);
    made_region(made, MADE_HEAP, MADE_WORDS, REACH_BRK);
    made_region(made, MADE_MMAP, 512, REACH_PRIVATE);
    made_region(made, BLOCKS, MADE_THREADS * BLOCK / 8, REACH_PRIVATE);
    made_region(made, MADE_LIBC, 512, REACH_ROOT);
    made_region(made, MADE_STACK, 512, REACH_STACK);
    for (uint64_t head = LISTS; head < LISTS + 48; head += 16) {
        made_write(made, head, head);
        made_write(made, head + 8, head);
    }
    made->heap_end = MADE_HEAP;
    add_thread(made, MADE_MMAP + 0x200, LISTS + 16);
    made->threads[0].sp = MADE_STACK + 2048;
    return made;
}

void made_free(struct made *made)
{
    for (size_t i = 0; i < made->image.piece_count; i++)
        free((void *)(uintptr_t)made->pieces[i].bytes);
    free(made->image.dead);
    free(made);
}

/* ---- malloc ---- */

uint64_t made_malloc(struct made *made, size_t size)
{
    uint64_t chunk = made->heap_end, bytes = (size + 8 + 15) & ~UINT64_C(15);
    if (bytes < 32)
        bytes = 32;
    made_write(made, chunk + 8, bytes | 1);
    made->heap_end += bytes;
    return chunk + 16;
}

void made_free_chunk(struct made *made, uint64_t contents)
{
    uint64_t size = reach_word(&made->image, contents - 8) & ~UINT64_C(7), next = contents - 16 + size;
    made_write(made, next + 8, reach_word(&made->image, next + 8) & ~UINT64_C(1));
}

void made_end_heap(struct made *made)
{
    uint64_t end = MADE_HEAP + MADE_WORDS * 8;
    made_write(made, made->heap_end + 8, (end - made->heap_end) | 1);
}

/* ---- threads ---- */

size_t made_runner(struct made *made)
{
    size_t index = made->image.thread_count;
    uint64_t block = BLOCKS + index * BLOCK, descriptor = block + BLOCK - DESCRIPTOR;
    add_thread(made, descriptor, LISTS);
    made_write(made, descriptor + STACKBLOCK, block);
    made_write(made, descriptor + STACKBLOCK + 8, BLOCK);
    made->threads[index].sp = block + 4096;
    return index;
}

uint64_t made_ended(struct made *made, bool cached)
{
    uint64_t block = BLOCKS + (MADE_THREADS - 1 - made->ended++) * BLOCK,
             descriptor = block + BLOCK - DESCRIPTOR;
    const uint32_t exiting = 0x10;
    made_write(made, descriptor + STACKBLOCK, block);
    made_write(made, descriptor + STACKBLOCK + 8, BLOCK);
    made_write_bytes(made, descriptor + CANCELHANDLING, &exiting, sizeof(exiting));
    add_to_list(made, cached ? LISTS + 32 : LISTS, descriptor + LIST);
    return descriptor;
}

size_t made_waiter(struct made *made, uint64_t address)
{
    size_t index = made_runner(made);
    made->threads[index].need = REACH_NEEDS_OBJECT;
    made->threads[index].address = address;
    return index;
}

void made_guard(struct made *made, size_t thread, uint64_t size)
{
    made_write(made, made->threads[thread].thread_pointer + STACKBLOCK + 16, size);
}

uint64_t made_on_stack(const struct made *made, size_t thread)
{
    return made->threads[thread].sp + 64;
}

bool made_is_stuck(struct made *made, size_t thread)
{
    ck_assert(reach_blocks_find(&made->image));
    ck_assert(reach_mark(&made->image));
    return !made->threads[thread].live;
}

/* ---- one waiter ---- */

struct case_of_one one_waiter(void)
{
    struct made *made = made_new();
    made_malloc(made, 100);
    uint64_t object = made_malloc(made, 88);
    made_malloc(made, 40);
    return (struct case_of_one){made, object, made_waiter(made, object + 40)};
}

void expect_stuck(struct case_of_one *of, bool stuck)
{
    made_end_heap(of->made);
    ck_assert_int_eq(made_is_stuck(of->made, of->waiter), stuck);
    made_free(of->made);
}
