/* Images of processes that tests make up: memory is an array of words at an address of the test's choice. */
#ifndef REACH_MADE_H
#define REACH_MADE_H

#include "reach/image.h"

enum { MADE_WORDS = 1 << 13, MADE_THREADS = 8 };

#define MADE_DATA UINT64_C(0x555555560000)  /* of the program: a root */
#define MADE_HEAP UINT64_C(0x555555600000)  /* of brk(2) */
#define MADE_MMAP UINT64_C(0x7f0000000000)  /* anonymous */
#define MADE_LIBC UINT64_C(0x7f1000000000)  /* data of libc, with the lists of threads */
#define MADE_STACK UINT64_C(0x7ffe00000000) /* of the main thread */
#define MADE_GUARD UINT64_C(0x1122334455667788)

struct made {
    struct reach_image image;
    struct reach_piece pieces[16];
    struct reach_region regions[16];
    struct reach_thread threads[MADE_THREADS];
    uint64_t registers[MADE_THREADS][4];
    uint64_t heap_end; /* where the next chunk begins */
    uint64_t ended;    /* threads that have ended */
};

/* One page of data, a heap, one mapping, data of libc, and a main thread that can run. */
struct made *made_new(void);
void made_free(struct made *made);

/* Adds memory of `words` words. */
void made_region(struct made *made, uint64_t start, size_t words, enum reach_region_kind kind);
void made_write(struct made *made, uint64_t address, uint64_t word);
void made_write_bytes(struct made *made, uint64_t address, const void *bytes, size_t size);
/* A chunk with so many bytes for the program, as malloc(3) gives it. */
uint64_t made_malloc(struct made *made, size_t size);
void made_free_chunk(struct made *made, uint64_t contents);
/* Ends the heap. Call it after the last made_malloc. */
void made_end_heap(struct made *made);

/* A thread in a block of libc, which waits for the futex at this address. Returns its index. */
size_t made_waiter(struct made *made, uint64_t address);
/* A thread that can run. */
size_t made_runner(struct made *made);
/* A thread that has ended and is not joined; `cached`: it was, and libc keeps its block. Returns its handle.
 */
uint64_t made_ended(struct made *made, bool cached);
/* The stack of a thread begins 4096 bytes below its stack pointer, with a guard of so many bytes. */
void made_guard(struct made *made, size_t thread, uint64_t size);
/* An address on the stack of a thread, above its stack pointer. */
uint64_t made_on_stack(const struct made *made, size_t thread);
/* Finds the blocks, marks; is the thread stuck? */
bool made_is_stuck(struct made *made, size_t thread);

struct case_of_one {
    struct made *made;
    uint64_t object;
    size_t waiter;
};
/* A thread waits for an object in the heap, among others. */
struct case_of_one one_waiter(void);
/* Ends the heap, marks, and frees the image. */
void expect_stuck(struct case_of_one *of, bool stuck);

#endif
