/* Finds words in memory that may be addresses of objects, at any byte offset; words of 32 bits at multiples
 * of 4. */
#ifndef THREADLEAK_REACH_SCAN_H
#define THREADLEAK_REACH_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REACH_VECTOR = 16 };
#define REACH_ADDRESS_MASK ((UINT64_C(1) << 48) - 1)

/* Ranges that contain all objects, with large gaps between them. */
struct reach_filter {
    struct reach_cluster {
        uint64_t start, size;
        /* Of the bytes 5, 4 and 3 of an address, each as often as a vector has bytes. */
        uint8_t low[3][REACH_VECTOR], span[3][REACH_VECTOR];
    } clusters[4];
    unsigned count;
    bool has_low;   /* objects are below 4 GiB, so 32 bits can contain an address */
    uint64_t guard; /* of mangled pointers; 0: none */
};

/* Adds a range. Call it in ascending order. */
void reach_filter_add(struct reach_filter *filter, uint64_t start, uint64_t end);
/* Call it after the last one. */
void reach_filter_finish(struct reach_filter *filter);

typedef void reach_found_fn(void *arg, uint64_t address);
/* Calls `found` for each of the words that begin in `size` bytes. REACH_SLACK more can be read. `address`: of
 * the bytes, since mangled pointers are aligned. */
void reach_scan(const struct reach_filter *filter, const unsigned char *bytes, size_t size, uint64_t address,
                reach_found_fn *found, void *arg);

#endif
