/* Address ranges of one kind (units, functions, symbols), and the search for an address in them. */
#ifndef THREADLEAK_SYMBOLIZE_RANGES_H
#define THREADLEAK_SYMBOLIZE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
    uint64_t low, high; /* high is the first address after the range */
    uint64_t reach;     /* the greatest high of this range and all before it */
    uint64_t value;     /* for the user of the ranges */
    int rank;           /* of ranges that begin at one address, the highest is found */
    bool open;          /* ends where the next one begins, but not after high */
};

struct ranges {
    struct range *items;
    size_t count;
    bool sorted;
};

/* Ignores empty and wrapped-around ranges. False: out of memory. */
bool ranges_add(struct ranges *ranges, const struct range *range);

/* The range that contains the address and begins last, or NULL. */
const struct range *ranges_find(struct ranges *ranges, uint64_t address);

void ranges_release(struct ranges *ranges);

#endif
