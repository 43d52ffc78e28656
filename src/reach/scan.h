/* Finds words in memory that may be addresses of objects, at any byte offset. */
#ifndef THREADLEAK_REACH_SCAN_H
#define THREADLEAK_REACH_SCAN_H

#include <stddef.h>
#include <stdint.h>

#define REACH_ADDRESS_MASK ((UINT64_C(1) << 48) - 1)

/* Ranges that contain all objects, with large gaps between them. */
struct reach_filter {
    struct reach_cluster {
        uint64_t start, size;
        uint8_t low[3], span[3]; /* of the bytes 5, 4 and 3 of an address */
    } clusters[4];
    unsigned count;
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
